import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './components/App'
import { current, loadList, openConversation, saveAll } from './state/conversations'
import { loadModels } from './state/models'
import { route } from './state/router'
import { applySettings, t } from './state/settings'
import { installShortcuts } from './state/shortcuts'
import './styles/index.css'

applySettings()
installShortcuts()
void loadList()
void loadModels()

effect(() => {
  const { value } = route
  if (value.view === 'chat' && value.id) void openConversation(value.id)
})
effect(() => {
  const { view } = route.value
  const page = view === 'chat' ? current.value?.title : t.value[view].title
  document.title = page ? `${page} · Ondol` : 'Ondol'
})

window.addEventListener('pagehide', saveAll)
document.addEventListener('visibilitychange', () => document.hidden && saveAll())

render(<App />, document.getElementById('app')!)
