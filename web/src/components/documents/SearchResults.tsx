// What a search found: passages with the words that were searched for marked in them.
import type { Found } from '../../api/documents'
import { number } from '../../i18n/format'
import { searchDocuments, searches } from '../../state/asking'
import { excerpt, marked } from '../../state/passages'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import type { Place } from './DocumentDialog'

/** Of a passage, in characters: before its first word that was searched for, and all. */
const BEFORE = 160
const MOST = 700

const textOf = (found: Found) => found.content.map((part) => part.text).join('\n')

function Result({ found, n, query, onOpen }: { found: Found; n: number; query: string; onOpen: () => void }) {
  const words = t.value.documents
  return (
    <li class="source">
      <span class="source-number" aria-hidden="true">{n}</span>
      <div class="source-text">
        <p class="source-place">
          <strong>{found.filename}</strong>
          <span class="facts">
            {found.ondol.page ? <span>{words.page(number(found.ondol.page))}</span> : null}
            {found.attributes?.path !== undefined && <span>{String(found.attributes.path)}</span>}
          </span>
        </p>
        <p class="found-text">{excerpt(marked(textOf(found), query), BEFORE, MOST).map((piece, i) => (piece.isHit ? <mark key={i}>{piece.text}</mark> : piece.text))}</p>
        <button type="button" class="button small" aria-label={words.openFound(found.filename, n)} onClick={onOpen}>{words.open}</button>
      </div>
    </li>
  )
}

export function SearchResults({ id, onOpen }: { id: string; onOpen: (place: Place) => void }) {
  const words = t.value.documents
  const searched = searches.value[id]
  if (!searched) return null
  if (searched.state === 'searching') return <p class="hint" role="status">{words.searching}</p>
  if (searched.state === 'failed') return <ErrorNotice error={searched.error ?? undefined} otherwise={words.problem} onRetry={() => void searchDocuments(id, searched.query)} />
  if (searched.found.length === 0) return <p class="declined">{words.nothing}</p>
  return (
    <section class="results" aria-label={words.results}>
      <p class="hint">{words.nFound(searched.found.length)}</p>
      <ol class="sources">
        {searched.found.map((found, i) => (
          <Result
            key={i} found={found} n={i + 1} query={searched.query}
            onOpen={() => onOpen({ file: found.file_id, name: found.filename, quote: textOf(found), page: found.ondol.page, bytes: found.ondol })}
          />
        ))}
      </ol>
    </section>
  )
}
