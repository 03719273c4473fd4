// A conversation is a tree: editing a question or asking for another answer adds a sibling, and nothing is lost.
// Everything here is pure: functions take a conversation and give back a new one.

export interface Attachment {
  name: string
  text: string
}

export interface ToolCall {
  id: string
  name: string
  arguments: string
  result?: string
}

export interface AnswerError {
  kind: 'network' | 'http' | 'stream'
  message: string
  status: number
  code: string
}

export interface AnswerStats {
  promptTokens: number
  cachedTokens: number
  completionTokens: number
  firstTokenMs: number
  tokensPerSecond: number
  contextLength: number
}

/** length: the token limit was reached; interrupted: the connection broke, what had come is kept. */
export type AnswerStatus = 'streaming' | 'done' | 'stopped' | 'length' | 'interrupted' | 'error'

export interface Message {
  id: string
  parent: string | null
  role: 'user' | 'assistant'
  content: string
  created: number
  attachments?: Attachment[]
  reasoning?: string
  reasoningMs?: number
  toolCalls?: ToolCall[]
  model?: string
  status?: AnswerStatus
  error?: AnswerError
  stats?: AnswerStats
}

export interface Conversation {
  id: string
  title: string
  created: number
  updated: number
  model: string
  system: string
  /** JSON: a list of tool definitions, or empty. */
  tools: string
  messages: Record<string, Message>
  /** Which child is shown, by parent; the key of the first messages is ROOT. */
  chosen: Record<string, string>
}

export const ROOT = ''

export function childrenOf(conversation: Conversation, parent: string | null): Message[] {
  return Object.values(conversation.messages)
    .filter((m) => m.parent === parent)
    .sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1))
}

function chosenChild(conversation: Conversation, parent: string | null): Message | undefined {
  const chosen = conversation.messages[conversation.chosen[parent ?? ROOT] ?? '']
  if (chosen && chosen.parent === parent) return chosen
  return childrenOf(conversation, parent).at(-1)
}

/** The messages that are shown, from the first to the last. */
export function pathOf(conversation: Conversation): Message[] {
  const path: Message[] = []
  const seen = new Set<string>()
  for (let next = chosenChild(conversation, null); next && !seen.has(next.id); ) {
    seen.add(next.id)
    path.push(next)
    next = chosenChild(conversation, next.id)
  }
  return path
}

/** The messages from the first down to the given one, whatever is shown. */
export function pathTo(conversation: Conversation, id: string): Message[] {
  const path: Message[] = []
  const seen = new Set<string>()
  for (let m = conversation.messages[id]; m && !seen.has(m.id); m = conversation.messages[m.parent ?? '']) {
    seen.add(m.id)
    path.unshift(m)
  }
  return path
}

/** Adds a message below its parent and shows it. */
export function addMessage(conversation: Conversation, message: Message): Conversation {
  return {
    ...conversation,
    updated: message.created,
    messages: { ...conversation.messages, [message.id]: message },
    chosen: { ...conversation.chosen, [message.parent ?? ROOT]: message.id },
  }
}

export function changeMessage(conversation: Conversation, id: string, change: Partial<Message>): Conversation {
  const message = conversation.messages[id]
  if (!message) return conversation
  return { ...conversation, messages: { ...conversation.messages, [id]: { ...message, ...change } } }
}

/** Removes a message and everything below it. */
export function removeMessage(conversation: Conversation, id: string): Conversation {
  const messages = { ...conversation.messages }
  const chosen = { ...conversation.chosen }
  const remove = (gone: string) => {
    for (const child of childrenOf(conversation, gone)) remove(child.id)
    delete messages[gone]
    delete chosen[gone]
  }
  remove(id)
  for (const [parent, child] of Object.entries(chosen)) if (!messages[child]) delete chosen[parent]
  return { ...conversation, messages, chosen }
}

/** Where a message stands among its siblings, counted from zero. */
export function siblingsOf(conversation: Conversation, id: string): { index: number; ids: string[] } {
  const message = conversation.messages[id]
  if (!message) return { index: 0, ids: [] }
  const ids = childrenOf(conversation, message.parent).map((m) => m.id)
  return { index: ids.indexOf(id), ids }
}

/** Shows the sibling that many steps away; at either end nothing changes. */
export function chooseSibling(conversation: Conversation, id: string, step: number): Conversation {
  const { index, ids } = siblingsOf(conversation, id)
  const sibling = ids[index + step]
  const message = conversation.messages[id]
  if (sibling === undefined || !message) return conversation
  return { ...conversation, chosen: { ...conversation.chosen, [message.parent ?? ROOT]: sibling } }
}

/** Shows the branch that holds a message. */
export function reveal(conversation: Conversation, id: string): Conversation {
  const chosen = { ...conversation.chosen }
  for (const m of pathTo(conversation, id)) chosen[m.parent ?? ROOT] = m.id
  return { ...conversation, chosen }
}
