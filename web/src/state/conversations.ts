// The list of conversations and those that are open. Every change goes through `change`, which also saves it.
import { computed, signal, type Signal } from '@preact/signals'
import { showToast } from './interface'
import { eraseConversation, loadConversation, loadSummaries, storeConversation, summaryOf, type Summary } from './database'
import { saveDraft } from './drafts'
import { go, links, route } from './router'
import { t } from './settings'
import type { Conversation } from './tree'

export const summaries = signal<Summary[]>([])
export const listed = computed(() => [...summaries.value].sort((a, b) => b.updated - a.updated))

/** Open conversations; null: there is none of that id. */
const open = signal<Record<string, Signal<Conversation> | null>>({})

/** What a conversation will begin with that has no message yet. */
export const beginning = signal({ system: '', tools: '' })

/** undefined while it is being loaded, null when there is none. */
export const current = computed<Conversation | null | undefined>(() => {
  if (route.value.view !== 'chat' || route.value.id === null) return null
  const entry = open.value[route.value.id]
  return entry === undefined || entry === null ? entry : entry.value
})

export const newId = () => crypto.getRandomValues(new Uint32Array(2)).reduce((text, n) => text + n.toString(36), '')

let hasWarned = false

/** Said once: storage that is forbidden or full fails at every save. */
function storageFailed(error: unknown): void {
  if (hasWarned) return
  hasWarned = true
  showToast(t.value.errors.storage(error instanceof Error ? error.message : String(error)), { kind: 'error' })
}

export async function loadList(): Promise<void> {
  try {
    summaries.value = await loadSummaries()
  } catch (error) {
    storageFailed(error)
  }
}

/** Answers that were still streaming when the page was closed are marked as interrupted. */
function afterReload(conversation: Conversation): Conversation {
  const messages = { ...conversation.messages }
  for (const m of Object.values(messages)) {
    if (m.status === 'streaming') messages[m.id] = { ...m, status: 'interrupted' }
  }
  return { ...conversation, messages }
}

export async function openConversation(id: string): Promise<void> {
  if (open.value[id] !== undefined) return
  const found = await loadConversation(id).catch((error) => {
    storageFailed(error)
    return null
  })
  if (open.value[id] === undefined) open.value = { ...open.value, [id]: found ? signal(afterReload(found)) : null }
}

export function peek(id: string): Conversation | null {
  return open.value[id]?.peek() ?? null
}

const unsaved = new Map<string, number>()

function save(id: string): void {
  window.clearTimeout(unsaved.get(id))
  unsaved.delete(id)
  const conversation = peek(id)
  if (conversation) storeConversation(conversation).catch(storageFailed)
}

export function saveAll(): void {
  for (const id of [...unsaved.keys()]) save(id)
}

function list(summary: Summary): void {
  const old = summaries.peek().find((s) => s.id === summary.id)
  if (old && old.title === summary.title && old.updated === summary.updated) return
  summaries.value = [...summaries.peek().filter((s) => s.id !== summary.id), summary]
}

export function change(id: string, edit: (conversation: Conversation) => Conversation): void {
  const entry = open.value[id]
  if (!entry) return
  entry.value = edit(entry.peek())
  list(summaryOf(entry.peek()))
  if (!unsaved.has(id)) unsaved.set(id, window.setTimeout(() => save(id), 250))
}

/** Takes a conversation up (a new one, an imported one, one whose deletion was undone) and saves it. */
export function adopt(conversation: Conversation): void {
  open.value = { ...open.value, [conversation.id]: signal(conversation) }
  list(summaryOf(conversation))
  save(conversation.id)
}

export function createConversation(model: string): Conversation {
  const now = Date.now()
  const conversation: Conversation = {
    id: newId(), title: '', created: now, updated: now, model, ...beginning.value, messages: {}, chosen: {},
  }
  beginning.value = { system: '', tools: '' }
  adopt(conversation)
  return conversation
}

export async function rename(id: string, title: string): Promise<void> {
  await openConversation(id)
  change(id, (c) => ({ ...c, title: title.trim() || c.title }))
}

export async function removeWithUndo(id: string): Promise<void> {
  await openConversation(id)
  const conversation = peek(id)
  if (!conversation) return
  window.clearTimeout(unsaved.get(id))
  unsaved.delete(id)
  if (route.value.view === 'chat' && route.value.id === id) go(links.chat(null))
  open.value = { ...open.value, [id]: null }
  summaries.value = summaries.value.filter((s) => s.id !== id)
  await eraseConversation(id).catch(storageFailed)
  saveDraft(id, '')
  showToast(t.value.sidebar.deleted(conversation.title || t.value.sidebar.untitled), {
    action: {
      label: t.value.common.undo,
      run: () => {
        adopt(conversation)
        go(links.chat(id))
      },
    },
  })
}

/** The first line of the first question. */
export function titleFrom(text: string): string {
  const line = text.split('\n').find((l) => l.trim() !== '')?.trim() ?? ''
  return line.length > 60 ? `${line.slice(0, 59).trimEnd()}…` : line
}
