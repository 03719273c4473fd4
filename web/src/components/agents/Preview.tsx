// What a call would do, as a person reads it: a diff in colours, anything else (a command, a host) as it is.
import { useState } from 'preact/hooks'
import { beginningOf, diffOf, type PreviewLine } from '../../state/agent-steps'
import { t } from '../../state/settings'

/** More of a text than this is shown only when asked for. */
const MOST = { lines: 400, characters: 60_000 }

function Diff({ lines }: { lines: PreviewLine[] }) {
  return (
    <>
      {lines.map(({ kind, text }, i) => (kind === 'file' ? <strong key={i} class="diff-file">{text}</strong> : <span key={i} class={`diff-${kind}`}>{text || ' '}</span>))}
    </>
  )
}

export function Preview({ text, tool }: { text: string; tool: string }) {
  const [isWhole, setWhole] = useState(false)
  const words = t.value.agents.job
  const { text: beginning, isCut } = beginningOf(text, MOST.lines, MOST.characters)
  const shown = isWhole ? text : beginning
  const diff = diffOf(shown)
  return (
    <div class="preview">
      <pre class={diff ? 'diff' : 'plain'} tabIndex={0} role="group" aria-label={diff ? words.diff(diff[0]!.text) : words.previewOf(tool)}>
        {diff ? <Diff lines={diff} /> : shown}
      </pre>
      {isCut && <button type="button" class="button small" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>{isWhole ? words.showLess : words.showAll}</button>}
    </div>
  )
}
