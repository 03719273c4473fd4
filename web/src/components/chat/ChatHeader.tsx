import { beginning } from '../../state/conversations'
import { dialog, drawer } from '../../state/interface'
import { chosenModel, modelsState, shortName } from '../../state/models'
import { sampling } from '../../state/sampling'
import { settings, t } from '../../state/settings'
import { isPhone, newChat, toggleSidebar } from '../../state/shortcuts'
import type { Conversation } from '../../state/tree'
import { IconButton } from '../controls'
import { Icon } from '../Icon'

/** Opens the sidebar where it is not shown. Every view has it in its head. */
export function SidebarButton() {
  if (!isPhone() && settings.value.sidebar) return null
  return (
    <span class="sidebar-button">
      <IconButton icon="menu" label={t.value.sidebar.open} onClick={toggleSidebar} pressed={isPhone() ? drawer.value : undefined} />
    </span>
  )
}

function ModelButton() {
  const model = chosenModel.value
  const words = t.value.models
  const name = model ? shortName(model) : modelsState.value === 'loading' ? t.value.common.loading : words.none
  return (
    <button type="button" class="model-button" aria-haspopup="dialog" aria-label={model ? words.current(model) : words.choose} title={model} onClick={() => (dialog.value = 'model')}>
      <span>{name}</span>
      <Icon name="down" />
    </button>
  )
}

export function ChatHeader({ conversation }: { conversation: Conversation | null }) {
  const { system, tools } = conversation ?? beginning.value
  const changed = system.trim() !== '' || tools.trim() !== '' || Object.keys(sampling.value).length > 0
  return (
    <header class="chat-head">
      <SidebarButton />
      <h1 class={conversation ? 'chat-title' : 'sr-only'}>{conversation ? conversation.title || t.value.sidebar.untitled : t.value.sidebar.newChat}</h1>
      <div class="chat-tools">
        <ModelButton />
        <IconButton icon="sliders" class={changed ? 'changed' : ''} label={t.value.options.open} onClick={() => (dialog.value = 'options')} />
        {isPhone() && <IconButton icon="plus" label={t.value.sidebar.newChat} onClick={newChat} />}
      </div>
    </header>
  )
}
