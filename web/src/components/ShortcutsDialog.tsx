import { t } from '../state/settings'
import { SHORTCUTS } from '../state/shortcuts'
import { Dialog } from './controls'

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t.value.shortcuts.title} onClose={onClose}>
      <dl class="shortcuts">
        {SHORTCUTS.map(({ name, keys }) => (
          <div key={name}>
            <dt>{t.value.shortcuts.list[name]}</dt>
            <dd>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
