// Questions to a collection and their answers; or plain search.
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Collection } from '../../api/documents'
import { answerer, askAgain, askDocuments, isAsking, mode, searchDocuments, startOver, stopAsking, threads, type Mode } from '../../state/asking'
import { focusComposer } from '../../state/interface'
import { chosenModel, findModel, loadModels, models, shortName } from '../../state/models'
import { t } from '../../state/settings'
import { Choice, IconButton } from '../controls'
import { Icon } from '../Icon'
import { TurnView } from './Answer'
import type { Place } from './DocumentDialog'
import { SearchResults } from './SearchResults'

/** Empty: none. Who has not chosen gets the model of the chats. */
function modelNow(): string {
  const chosen = answerer.value ?? chosenModel.value
  return findModel(chosen) ? chosen : ''
}

function Answerer() {
  const id = useId()
  const words = t.value.documents
  return (
    <div class="answerer">
      <label for={id}>{words.by}</label>
      <select id={id} class="input" value={modelNow()} onChange={(e) => (answerer.value = e.currentTarget.value)}>
        <option value="">{words.noModel}</option>
        {models.value.filter((m) => m.ondol?.fits !== false).map((m) => <option key={m.id} value={m.id}>{shortName(m.id)}</option>)}
      </select>
    </div>
  )
}

function Thread({ id, onOpen }: { id: string; onOpen: (place: Place) => void }) {
  const words = t.value.documents
  const turns = threads.value[id] ?? []
  const end = useRef<HTMLLIElement>(null)
  const last = turns.at(-1)
  useEffect(() => {
    if (last) end.current?.scrollIntoView({ block: 'nearest' })
  }, [last?.id, last?.state])
  if (turns.length === 0) return null
  return (
    <ol class="turns" aria-label={words.thread}>
      {turns.map((turn) => (
        <li key={turn.id} ref={turn === last ? end : null}>
          <TurnView turn={turn} onOpen={onOpen} onRetry={turn === last ? () => askAgain(id) : null} />
        </li>
      ))}
    </ol>
  )
}

export function Asking({ about, onOpen }: { about: Collection; onOpen: (place: Place) => void }) {
  const [text, setText] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const label = useId()
  useEffect(() => void loadModels(), [])
  const asked = focusComposer.value
  const first = useRef(asked)
  useEffect(() => {
    if (asked !== first.current) field.current?.focus()
  }, [asked])
  const words = t.value.documents
  const { id } = about
  const isSearch = mode.value === 'search'
  const isBusy = isAsking(id)
  const isEmpty = about.file_counts.completed === 0
  const canSubmit = text.trim() !== '' && !isEmpty && (isSearch || !isBusy)
  const submit = (event: Event) => {
    event.preventDefault()
    if (!canSubmit) return
    if (isSearch) void searchDocuments(id, text.trim())
    else {
      void askDocuments(id, text.trim(), modelNow())
      setText('')
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !isBusy) return
    event.preventDefault()
    stopAsking(id)
  }
  const turns = threads.value[id] ?? []
  return (
    <section class="card asking">
      <div class="section-head">
        <h2>{words.ask}</h2>
        {turns.length > 0 && !isSearch && (
          <button type="button" class="button small" onClick={() => startOver(id)}>{words.startOver}</button>
        )}
      </div>
      <Choice<Mode> legend={words.mode} value={mode.value} options={(['ask', 'search'] as const).map((value) => ({ value, label: words.modes[value] }))} onChange={(value) => (mode.value = value)} />
      {!isSearch && <Thread id={id} onOpen={onOpen} />}
      <form class="form" onSubmit={submit} onKeyDown={onKeyDown}>
        <label for={label}>{isSearch ? words.query : words.question}</label>
        <div class="row">
          <input
            ref={field} id={label} class="input" value={text} maxLength={4000} autocomplete="off" enterkeyhint={isSearch ? 'search' : 'send'}
            placeholder={isSearch ? words.queryPlaceholder : words.questionPlaceholder} aria-describedby={`${label}h`} onInput={(e) => setText(e.currentTarget.value)}
          />
          {isBusy && !isSearch ? (
            <IconButton class="send stop" icon="stop" label={t.value.composer.stop} onClick={() => stopAsking(id)} />
          ) : (
            <button type="submit" class="button primary" disabled={!canSubmit}>
              <Icon name={isSearch ? 'search' : 'send'} />
              {isSearch ? words.search : words.submit}
            </button>
          )}
        </div>
        <p class="hint" id={`${label}h`}>{isEmpty ? words.empty : isSearch || turns.length === 0 ? '' : words.followUp}</p>
        {!isSearch && <Answerer />}
      </form>
      {isSearch && <SearchResults id={id} onOpen={onOpen} />}
    </section>
  )
}
