import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './components/App'
import { asking, followAgents } from './state/agents'
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
followAgents()

effect(() => {
  const { value } = route
  if (value.view === 'chat' && value.id) void openConversation(value.id)
})
effect(() => {
  const { view } = route.value
  const page = view === 'chat' ? current.value?.title : t.value[view].title
  const waiting = asking.value.length > 0 ? `(${asking.value.length}) ` : ''
  document.title = waiting + (page ? `${page} · Ondol` : 'Ondol')
})

window.addEventListener('pagehide', saveAll)
document.addEventListener('visibilitychange', () => document.hidden && saveAll())

render(<App />, document.getElementById('app')!)
