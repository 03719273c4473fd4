// Conversations as files: JSON, which can be read in again, and Markdown, for reading.
import { adopt, newId } from './conversations'
import { forEachConversation } from './database'
import { inlined } from './request'
import { pathOf, type Conversation, type Message } from './tree'

const FORMAT = 'ondol-conversations'
const VERSION = 1

export function toJson(conversations: Conversation[]): string {
  return JSON.stringify({ format: FORMAT, version: VERSION, conversations }, null, 1)
}

/** The branch that is shown. */
export function toMarkdown(conversation: Conversation): string {
  const parts = [`# ${conversation.title}`]
  if (conversation.system) parts.push(`> ${conversation.system.replace(/\n/g, '\n> ')}`)
  for (const m of pathOf(conversation)) {
    parts.push(m.role === 'user' ? '## User' : `## Assistant${m.model ? ` (${m.model})` : ''}`)
    for (const a of m.attachments ?? []) parts.push(inlined(a))
    if (m.reasoning) parts.push(`<details><summary>Reasoning</summary>\n\n${m.reasoning.trim()}\n\n</details>`)
    if (m.content) parts.push(m.content.trim())
    for (const c of m.toolCalls ?? []) {
      parts.push(`**${c.name}**\n\n\`\`\`json\n${c.arguments}\n\`\`\``)
      if (c.result) parts.push(`\`\`\`\n${c.result}\n\`\`\``)
    }
  }
  return `${parts.join('\n\n')}\n`
}

export function save(name: string, type: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export function fileName(title: string, extension: string): string {
  const plain = title.replace(/[\\/:*?"<>|\u0000-\u001f\s]+/g, ' ').trim().slice(0, 60)
  return `${plain || 'conversation'}.${extension}`
}

export async function exportAll(): Promise<void> {
  const all: Conversation[] = []
  await forEachConversation((c) => void all.push(c))
  save(`ondol-${new Date().toISOString().slice(0, 10)}.json`, 'application/json', toJson(all))
}

const text = (value: unknown, fallback = '') => (typeof value === 'string' ? value : fallback)
const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : Date.now())
const record = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {})
const list = (value: unknown) => (Array.isArray(value) ? value.map(record) : [])

function messageFrom(id: string, value: unknown): Message {
  const m = record(value)
  const role = m.role === 'user' ? 'user' : 'assistant'
  const message: Message = {
    id, role, parent: typeof m.parent === 'string' ? m.parent : null, content: text(m.content), created: number(m.created),
  }
  if (m.attachments) message.attachments = list(m.attachments).map((a) => ({ name: text(a.name), text: text(a.text) }))
  if (m.toolCalls) {
    message.toolCalls = list(m.toolCalls).map((c) => ({
      id: text(c.id, newId()), name: text(c.name), arguments: text(c.arguments), ...(typeof c.result === 'string' ? { result: c.result } : {}),
    }))
  }
  if (m.reasoning) message.reasoning = text(m.reasoning)
  if (typeof m.reasoningMs === 'number') message.reasoningMs = m.reasoningMs
  if (role === 'assistant') {
    message.model = text(m.model)
    message.status = 'done'
  }
  return message
}

/** Takes only the fields it knows, of the types they must have. Null: no conversation. */
export function conversationFrom(value: unknown): Conversation | null {
  const c = record(value)
  if (typeof c.messages !== 'object' || c.messages === null) return null
  const messages: Record<string, Message> = {}
  for (const [id, m] of Object.entries(c.messages)) messages[id] = messageFrom(id, m)
  for (const m of Object.values(messages)) if (m.parent !== null && !messages[m.parent]) m.parent = null
  const chosen: Record<string, string> = {}
  for (const [parent, child] of Object.entries(record(c.chosen))) if (typeof child === 'string') chosen[parent] = child
  return {
    id: newId(), title: text(c.title), created: number(c.created), updated: number(c.updated), model: text(c.model),
    system: text(c.system), tools: text(c.tools), messages, chosen,
  }
}

/** The number of conversations that were read; throws when the file is none of ours. */
export function importJson(content: string): number {
  const file = record(JSON.parse(content))
  if (file.format !== FORMAT || !Array.isArray(file.conversations)) throw new Error(FORMAT)
  const conversations = file.conversations.map(conversationFrom).filter((c) => c !== null)
  conversations.forEach(adopt)
  return conversations.length
}
