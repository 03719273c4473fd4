import { useId } from 'preact/hooks'
import { parseTools } from '../../state/request'
import { t } from '../../state/settings'

const EXAMPLE = '[{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]'

export function Tools({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const id = useId()
  const words = t.value.options
  const tools = parseTools(text)
  return (
    <details class="section fold-section" open={text.trim() !== ''}>
      <summary><h3>{words.tools}</h3></summary>
      <p class="hint" id={`${id}hint`}>{words.toolsHint}</p>
      <textarea
        id={id} class="input code-input" rows={4} value={text} placeholder={EXAMPLE} spellcheck={false}
        aria-label={words.tools} aria-describedby={`${id}hint`} aria-invalid={tools === null} onInput={(e) => onChange(e.currentTarget.value)}
      />
      <p class={tools === null ? 'hint bad' : 'hint'} role="status">
        {tools === null ? words.toolsBad : tools.length > 0 ? words.toolsGood(tools.length) : ''}
      </p>
    </details>
  )
}
