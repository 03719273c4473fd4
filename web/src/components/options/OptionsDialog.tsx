import { beginning, change, current } from '../../state/conversations'
import { t } from '../../state/settings'
import { Dialog } from '../controls'
import { SamplingFields } from './SamplingFields'
import { SystemPrompt } from './SystemPrompt'
import { Tools } from './Tools'

/** What of the options belongs to one conversation; before the first message it waits in `beginning`. */
export interface Own {
  system: string
  tools: string
}

function changeOwn(own: Partial<Own>): void {
  if (current.value) change(current.value.id, (c) => ({ ...c, ...own }))
  else beginning.value = { ...beginning.value, ...own }
}

export function OptionsDialog({ onClose }: { onClose: () => void }) {
  const { system, tools } = current.value ?? beginning.value
  return (
    <Dialog kind="side" title={t.value.options.title} onClose={onClose}>
      <SystemPrompt text={system} onChange={(text) => changeOwn({ system: text })} />
      <SamplingFields />
      <Tools text={tools} onChange={(text) => changeOwn({ tools: text })} />
    </Dialog>
  )
}
