// Search over every text of every conversation.
import { signal } from '@preact/signals'
import { forEachConversation } from './database'
import type { Conversation } from './tree'

export interface Hit {
  id: string
  title: string
  updated: number
  /** The message in which the text was found; empty when it was the title. */
  message: string
  snippet: { before: string; match: string; after: string } | null
}

export const query = signal('')
export const hits = signal<Hit[] | null>(null)

/** Hangul may come composed or as single letters, depending on the system; case does not matter. */
const plain = (text: string) => text.normalize('NFC').toLowerCase()

function snippetOf(text: string, needle: string): Hit['snippet'] {
  const flat = text.normalize('NFC').replace(/\s+/g, ' ')
  const at = plain(flat).indexOf(needle)
  if (at < 0) return null
  const end = at + needle.length
  return { before: (at > 24 ? '…' : '') + flat.slice(Math.max(0, at - 24), at), match: flat.slice(at, end), after: flat.slice(end, end + 60) }
}

export function findIn(conversation: Conversation, text: string): Hit | null {
  const needle = plain(text).replace(/\s+/g, ' ').trim()
  const { id, title, updated } = conversation
  for (const message of Object.values(conversation.messages)) {
    const attached = (message.attachments ?? []).map((a) => `${a.name} ${a.text}`)
    for (const part of [message.content, message.reasoning ?? '', ...attached]) {
      const snippet = snippetOf(part, needle)
      if (snippet) return { id, title, updated, message: message.id, snippet }
    }
  }
  return plain(title).includes(needle) ? { id, title, updated, message: '', snippet: null } : null
}

let generation = 0
let timer = 0

export function search(text: string): void {
  query.value = text
  const mine = ++generation
  window.clearTimeout(timer)
  if (text.trim() === '') {
    hits.value = null
    return
  }
  timer = window.setTimeout(async () => {
    const found: Hit[] = []
    await forEachConversation((conversation) => {
      if (mine !== generation) return false
      const hit = findIn(conversation, text)
      if (hit) found.push(hit)
      return true
    })
    if (mine === generation) hits.value = found.sort((a, b) => b.updated - a.updated)
  }, 150)
}
