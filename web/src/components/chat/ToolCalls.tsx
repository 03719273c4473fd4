// Tools the model asked for: name, arguments and result, folded. Results that are missing can be typed in.
import { useId, useState } from 'preact/hooks'
import { giveResults } from '../../state/generation'
import { t } from '../../state/settings'
import type { ToolCall } from '../../state/tree'
import { Icon } from '../Icon'

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}

function Part({ label, text }: { label: string; text: string }) {
  return (
    <div class="tool-part">
      <h3>{label}</h3>
      <pre tabIndex={0} role="group" aria-label={label}>{text}</pre>
    </div>
  )
}

function Call({ call }: { call: ToolCall }) {
  const words = t.value.tools
  const isDone = call.result !== undefined
  return (
    <details class="fold tool">
      <summary>
        <Icon name="tool" />
        <span>{words.call(call.name)}</span>
        <span class="tool-state">{isDone ? words.done : words.waiting}</span>
        <Icon name="right" />
      </summary>
      <Part label={words.arguments} text={pretty(call.arguments)} />
      {isDone && <Part label={words.result} text={call.result!} />}
    </details>
  )
}

function Results({ conversation, message, calls }: { conversation: string; message: string; calls: ToolCall[] }) {
  const [results, setResults] = useState<Record<string, string>>({})
  const id = useId()
  const words = t.value.tools
  const submit = (event: Event) => {
    event.preventDefault()
    void giveResults(conversation, message, results)
  }
  return (
    <form class="tool-results" onSubmit={submit}>
      <p class="hint">{words.hint}</p>
      {calls.map((call) => (
        <div key={call.id} class="field">
          <label for={`${id}${call.id}`}>{words.giveResult(call.name)}</label>
          <textarea
            id={`${id}${call.id}`} class="input" rows={3} value={results[call.id] ?? ''}
            onInput={(e) => setResults({ ...results, [call.id]: e.currentTarget.value })}
          />
        </div>
      ))}
      <button type="submit" class="button primary">{words.submit}</button>
    </form>
  )
}

export function ToolCalls({ conversation, message, calls, open }: { conversation: string; message: string; calls: ToolCall[]; open: boolean }) {
  const missing = calls.filter((c) => c.result === undefined)
  return (
    <div class="tools">
      {calls.map((call) => <Call key={call.id} call={call} />)}
      {open && missing.length > 0 && <Results conversation={conversation} message={message} calls={missing} />}
    </div>
  )
}
