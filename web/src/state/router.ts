// The view is in the address after `#`, so that the server needs to know of `/` alone.
import { computed, signal } from '@preact/signals'

export type Route = { view: 'chat'; id: string | null } | { view: 'models' } | { view: 'documents'; id: string | null } | { view: 'teach' } | { view: 'agents'; id: string | null } | { view: 'status' } | { view: 'settings' }

const hash = signal(location.hash)
window.addEventListener('hashchange', () => {
  hash.value = location.hash
})

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function parseRoute(text: string): Route {
  const [, view, id] = text.replace(/^#/, '').split('/')
  if (view === 'models' || view === 'teach' || view === 'status' || view === 'settings') return { view }
  if (view === 'documents' || view === 'agents') return { view, id: id ? decoded(id) : null }
  return { view: 'chat', id: view === 'c' && id ? id : null }
}

export const route = computed(() => parseRoute(hash.value))

export const links = {
  chat: (id: string | null) => (id ? `#/c/${id}` : '#/'),
  models: '#/models',
  documents: '#/documents',
  collection: (id: string) => `#/documents/${encodeURIComponent(id)}`,
  teach: '#/teach',
  agents: '#/agents',
  job: (id: number) => `#/agents/${id}`,
  schedules: '#/agents/schedules',
  status: '#/status',
  settings: '#/settings',
}

export function go(link: string): void {
  location.hash = link
  hash.value = location.hash
}
