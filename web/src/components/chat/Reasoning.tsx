import { useState } from 'preact/hooks'
import { duration } from '../../i18n/format'
import { t } from '../../state/settings'
import { Icon } from '../Icon'
import { MarkdownView } from './MarkdownView'

/** Folded; while the model thinks, its last lines can be watched by unfolding it. */
export function Reasoning({ text, durationMs, running }: { text: string; durationMs: number; running: boolean }) {
  const [isOpen, setOpen] = useState(false)
  const words = t.value.chat
  const label = running ? words.thinking : durationMs > 0 ? words.thought(duration(durationMs / 1000)) : words.thoughtUnknown
  return (
    <details class={`fold reasoning${running ? ' running' : ''}`} open={isOpen} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        <Icon name="thought" />
        <span>{label}</span>
        <Icon name="right" />
      </summary>
      {isOpen && <MarkdownView text={text} streaming={running} />}
    </details>
  )
}
