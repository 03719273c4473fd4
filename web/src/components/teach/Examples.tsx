// The examples: a place to drop them, and what the model would learn from them.
import { useState } from 'preact/hooks'
import { bytes, number } from '../../i18n/format'
import { examples, takeExamples } from '../../state/teaching'
import { t } from '../../state/settings'
import type { Preview } from '../../api/tuning'
import { FileButton } from '../controls'

const ACCEPT = '.jsonl,.ndjson,.json,.txt,.md'

function Understood({ preview }: { preview: Preview }) {
  const words = t.value.teach
  const left = (preview.n_cut ?? 0) + (preview.n_left_out ?? 0)
  return (
    <>
      <p role="status"><strong>{words.understood(preview.n_examples ?? 0, preview.format ?? '')}</strong></p>
      <p class="facts">
        <span>{words.tokens(number(preview.n_tokens ?? 0), number(preview.n_targets ?? 0))}</span>
        {preview.memory_bytes ? <span>{words.memory(bytes(preview.memory_bytes))}</span> : null}
        {left > 0 && <span>{words.cut(left)}</span>}
        {preview.n_without_targets ? <span>{words.empty(preview.n_without_targets)}</span> : null}
      </p>
      <h3>{words.first}</h3>
      <p class="hint">{words.firstHint}</p>
      {preview.first_example?.map((segment, i) => (
        <div key={i} class="lesson" tabIndex={0} role="group" aria-label={words.roles[segment.role as keyof typeof words.roles] ?? words.first}>
          {segment.role !== 'learned' && <strong class="lesson-role">{words.roles[segment.role as keyof typeof words.roles]}</strong>}
          {segment.runs.map((run, n) => (run.is_learned ? <mark key={n}>{run.text}</mark> : <span key={n}>{run.text}</span>))}
        </div>
      ))}
    </>
  )
}

export function ExamplesCard({ model }: { model: string }) {
  const [isOver, setOver] = useState(false)
  const words = t.value.teach
  const take = (files: File[]) => files[0] && void takeExamples(files[0], model)
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    take([...(event.dataTransfer?.files ?? [])])
  }
  const onDragOver = (event: DragEvent) => {
    event.preventDefault()
    setOver(true)
  }
  const { value: chosen } = examples
  const error = chosen?.preview?.error
  return (
    <section class="card">
      <h2>{words.examples}</h2>
      <div class={`drop${isOver ? ' drop-over' : ''}`} onDragOver={onDragOver} onDragLeave={() => setOver(false)} onDrop={onDrop}>
        <p>{chosen ? <strong>{chosen.name}</strong> : words.drop}</p>
        <FileButton icon="upload" label={words.choose} accept={ACCEPT} onFiles={take} />
        <p class="hint">{words.formats}</p>
      </div>
      {chosen?.state === 'reading' && <p class="hint" role="status">{words.reading}</p>}
      {error && (
        <p class="notice notice-error" role="alert">
          {error.line ? words.wrongLine(number(error.line)) : words.wrong} {error.message}
        </p>
      )}
      {chosen?.state === 'ready' && chosen.preview && !error && <Understood preview={chosen.preview} />}
    </section>
  )
}
