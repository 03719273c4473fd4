// A question and what the documents say to it: claims with the numbers of the passages that they come from, and these.
import type { Citation, Claim, DocumentAnswer } from '../../api/documents'
import { number } from '../../i18n/format'
import type { Turn } from '../../state/asking'
import { shortName } from '../../state/models'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Icon } from '../Icon'
import type { Place } from './DocumentDialog'

/** Claims that the server shows have 0.6 at least; below this they may say more than their passage. */
const WEAK = 0.75

export function placeOf(citation: Citation): Place {
  const { page, line, start, end, quote, headings, path } = citation
  return { file: citation.file_id ?? null, name: citation.filename ?? path.split('/').at(-1) ?? path, quote, page, line, headings, bytes: { start, end } }
}

/** "manual.pdf, page 3, line 12" */
export function placeText(place: Place): string {
  const words = t.value.documents
  return [place.name, place.page ? words.page(number(place.page)) : '', place.line ? words.line(number(place.line)) : ''].filter((part) => part !== '').join(', ')
}

type Open = (place: Place) => void

function Cites({ list, onOpen }: { list: Citation[]; onOpen: Open }) {
  return (
    <>
      {list.map((citation) => (
        <button
          key={citation.number} type="button" class="cite" title={citation.quote}
          aria-label={t.value.documents.cite(citation.number, placeText(placeOf(citation)))} onClick={() => onOpen(placeOf(citation))}
        >
          {citation.number}
        </button>
      ))}
    </>
  )
}

function ClaimView({ claim, onOpen }: { claim: Claim; onOpen: Open }) {
  const words = t.value.documents
  return (
    <li class="claim">
      <p>
        {claim.text}{'\u00a0'}<Cites list={claim.citations} onOpen={onOpen} />
      </p>
      <p class="facts">
        <span>{words.nSources(claim.sources)}</span>
        {claim.support < WEAK && <span class="weak">{words.weak}</span>}
      </p>
      {claim.disagreeing.length > 0 && (
        <p class="notice notice-warning disagree"><span>{words.disagree} <Cites list={claim.disagreeing} onOpen={onOpen} /></span></p>
      )}
    </li>
  )
}

function SourceView({ citation, onOpen }: { citation: Citation; onOpen: Open }) {
  const words = t.value.documents
  const place = placeOf(citation)
  return (
    <li class="source">
      <span class="source-number" aria-hidden="true">{citation.number}</span>
      <div class="source-text">
        <p class="source-place">
          <strong>{place.name}</strong>
          <span class="facts">
            {place.page ? <span>{words.page(number(place.page))}</span> : null}
            {place.line ? <span>{words.line(number(place.line))}</span> : null}
            {citation.headings && <span>{citation.headings}</span>}
            {citation.path !== place.name && <span>{citation.path}</span>}
          </span>
        </p>
        <blockquote class="quote">{citation.quote}</blockquote>
        <button type="button" class="button small" aria-label={words.openLabel(citation.number, place.name)} onClick={() => onOpen(place)}>{words.open}</button>
      </div>
    </li>
  )
}

/** The passages of earlier answers are folded away. */
function AnswerView({ answer, model, isLast, onOpen }: { answer: DocumentAnswer; model: string; isLast: boolean; onOpen: Open }) {
  const words = t.value.documents
  const dropped = answer.dropped > 0 && <p class="notice notice-warning unsupported">{words.dropped(answer.dropped)}</p>
  if (answer.declined || answer.claims.length === 0) {
    return (
      <>
        <p class="declined"><strong>{answer.declined ? words.declined : words.noClaims}</strong></p>
        {dropped}
        <p class="hint">{words.declinedHint}</p>
      </>
    )
  }
  return (
    <>
      <h3 class="answer-by">{answer.method === 'model' ? words.written(shortName(model)) : words.quoted}</h3>
      <Claims list={answer.claims} onOpen={onOpen} />
      {dropped}
      <details class="fold" open={isLast}>
        <summary>
          <Icon name="right" />
          {words.sources(answer.sources.length)}
        </summary>
        <ol class="sources">{answer.sources.map((citation) => <SourceView key={citation.number} citation={citation} onOpen={onOpen} />)}</ol>
      </details>
    </>
  )
}

const Claims = ({ list, onOpen }: { list: Claim[]; onOpen: Open }) => (
  <ul class="claims">{list.map((claim, i) => <ClaimView key={i} claim={claim} onOpen={onOpen} />)}</ul>
)

/** `onRetry`: of the last one. */
export function TurnView({ turn, onOpen, onRetry }: { turn: Turn; onOpen: Open; onRetry: (() => void) | null }) {
  const words = t.value.documents
  const { state, claims, answer, error } = turn
  return (
    <article class="turn" aria-busy={state === 'asking'}>
      <div class="user"><p class="bubble user-text">{turn.question}</p></div>
      <div class="turn-answer">
        {!answer && claims.length > 0 && <Claims list={claims} onOpen={onOpen} />}
        {state === 'asking' && (
          <p class="waiting" role="status">
            <span class="embers" aria-hidden="true"><i /><i /><i /></span>
            {words.asking}
          </p>
        )}
        {answer && <AnswerView answer={answer} model={turn.model} isLast={onRetry !== null} onOpen={onOpen} />}
        {state === 'failed' && error && (onRetry ? <ErrorNotice error={error} onRetry={onRetry} /> : <p class="bad">{error.message}</p>)}
        {state === 'stopped' && (
          <p class="ending">
            {t.value.chat.stopped}
            {onRetry && <button type="button" class="button small" onClick={onRetry}>{t.value.common.retry}</button>}
          </p>
        )}
      </div>
    </article>
  )
}
