// The frame: sidebar, the current view, dialogs, toasts and the region that speaks to screen readers.
import { keyQuestion } from '../api/client'
import { announcements, dialog, dismissToast, drawer, toasts } from '../state/interface'
import { route } from '../state/router'
import { settings, t } from '../state/settings'
import { AgentsView } from './agents/AgentsView'
import { ChatView } from './chat/ChatView'
import { IconButton } from './controls'
import { DocumentsView } from './documents/DocumentsView'
import { KeyDialog } from './KeyDialog'
import { ModelDialog } from './models/ModelDialog'
import { ModelsView } from './models/ModelsView'
import { OptionsDialog } from './options/OptionsDialog'
import { SettingsView } from './SettingsView'
import { ShortcutsDialog } from './ShortcutsDialog'
import { Sidebar } from './sidebar/Sidebar'
import { StatusView } from './status/StatusView'
import { TeachView } from './teach/TeachView'

function View() {
  switch (route.value.view) {
    case 'models':
      return <ModelsView />
    case 'documents':
      return <DocumentsView id={route.value.id} />
    case 'teach':
      return <TeachView />
    case 'agents':
      return <AgentsView id={route.value.id} />
    case 'status':
      return <StatusView />
    case 'settings':
      return <SettingsView />
    case 'chat':
      return <ChatView />
  }
}

function Toasts() {
  return (
    <section class="toasts" role="status" aria-live="polite" aria-label={t.value.common.notifications}>
      {toasts.value.map((toast) => (
        <div key={toast.id} class={`toast toast-${toast.kind}`}>
          <span>{toast.text}</span>
          {toast.action && (
            <button
              type="button"
              class="toast-action"
              onClick={() => {
                toast.action!.run()
                dismissToast(toast.id)
              }}
            >
              {toast.action.label}
            </button>
          )}
          <IconButton icon="close" label={t.value.common.dismiss} onClick={() => dismissToast(toast.id)} />
        </div>
      ))}
    </section>
  )
}

function Spoken() {
  return (
    <div class="sr-only" role="log" aria-live="polite" aria-relevant="additions">
      {announcements.value.map(({ id, text }) => <p key={id}>{text}</p>)}
    </div>
  )
}

function Dialogs() {
  const close = () => (dialog.value = null)
  return (
    <>
      {dialog.value === 'shortcuts' && <ShortcutsDialog onClose={close} />}
      {dialog.value === 'options' && <OptionsDialog onClose={close} />}
      {dialog.value === 'model' && <ModelDialog onClose={close} />}
      {keyQuestion.value && <KeyDialog question={keyQuestion.value} />}
    </>
  )
}

export function App() {
  const className = `app${settings.value.sidebar ? '' : ' no-sidebar'}${drawer.value ? ' with-drawer' : ''}`
  const skip = (event: Event) => {
    event.preventDefault()
    document.getElementById('main')?.focus()
  }
  return (
    <div class={className}>
      <a class="skip" href="#main" onClick={skip}>{t.value.common.skip}</a>
      <Sidebar />
      {drawer.value && <div class="scrim" onClick={() => (drawer.value = false)} />}
      <main id="main" class="main" tabIndex={-1} inert={drawer.value}>
        <View />
      </main>
      <Toasts />
      <Spoken />
      <Dialogs />
    </div>
  )
}
