// The secret of a web hook, which is seen this once, and how the hook is called.
import type { Schedule } from '../../api/agents'
import { t } from '../../state/settings'
import { copyText } from '../chat/MarkdownView'
import { Dialog } from '../controls'

/** In single quotes nothing means anything to a shell, but their end. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

export function curlOf(origin: string, hook: string, secret: string, data: string): string {
  return [`curl ${quoted(origin + hook)}`, `  -H ${quoted(`Authorization: Bearer ${secret}`)}`, `  --data ${quoted(data)}`].join(' \\\n')
}

export function HookSecret({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const words = t.value.agents.schedules
  const { secret = '', hook } = schedule
  const example = curlOf(location.origin, hook ?? '', secret, words.exampleData)
  return (
    <Dialog title={words.secretTitle} kind="wide" onClose={onClose}>
      <p class="notice notice-warning"><span>{words.secretText}</span></p>
      <div class="secret">
        <h3>{words.secret}</h3>
        <pre class="command" tabIndex={0} role="group" aria-label={words.secret}>{secret}</pre>
        <button type="button" class="button small" aria-label={words.copySecret} onClick={(event) => void copyText(secret, event.currentTarget)}>{t.value.chat.copy}</button>
      </div>
      <div class="secret">
        <h3>{words.example}</h3>
        <pre class="command" tabIndex={0} role="group" aria-label={words.example}>{example}</pre>
        <button type="button" class="button small" aria-label={words.copyExample} onClick={(event) => void copyText(example, event.currentTarget)}>{t.value.chat.copy}</button>
      </div>
      <div class="actions">
        <button type="button" class="button primary" onClick={onClose}>{words.keptSecret}</button>
      </div>
    </Dialog>
  )
}
