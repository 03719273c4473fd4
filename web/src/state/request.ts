// A branch of a conversation as the request that asks for its next answer.
import type { ChatRequest, ToolDefinition, WireMessage } from '../api/types'
import type { Attachment, Conversation, Message } from './tree'

/** A fence that no line of the text closes. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map((m) => m[0].length))
  return '`'.repeat(longest + 1)
}

export function inlined({ name, text }: Attachment): string {
  const fence = fenceFor(text)
  return `File: ${name}\n${fence}\n${text.replace(/\n$/, '')}\n${fence}`
}

function userMessage(message: Message): WireMessage {
  if (!message.attachments?.length) return { role: 'user', content: message.content }
  const parts = message.attachments.map((a) => ({ type: 'text' as const, text: `${inlined(a)}\n\n` }))
  return { role: 'user', content: [...parts, { type: 'text', text: message.content }] }
}

function assistantMessages(message: Message): WireMessage[] {
  const calls = message.toolCalls ?? []
  const answer: WireMessage = { role: 'assistant', content: message.content }
  if (message.reasoning) answer.reasoning_content = message.reasoning
  if (calls.length) {
    answer.tool_calls = calls.map((c) => ({ id: c.id, type: 'function', function: { name: c.name, arguments: c.arguments } }))
  }
  return [answer, ...calls.map((c): WireMessage => ({ role: 'tool', tool_call_id: c.id, content: c.result ?? '' }))]
}

/** An answer that failed or was stopped before its first word. */
export const isEmpty = (m: Message) => m.role === 'assistant' && !m.content && !m.reasoning && !m.toolCalls?.length

export function wireMessages(system: string, path: Message[]): WireMessage[] {
  const messages: WireMessage[] = system.trim() ? [{ role: 'system', content: system }] : []
  for (const m of path) {
    if (m.role === 'user') messages.push(userMessage(m))
    else if (!isEmpty(m)) messages.push(...assistantMessages(m))
  }
  return messages
}

/** The list of tools, or null when the text is not one. Empty text is an empty list. */
export function parseTools(text: string): ToolDefinition[] | null {
  if (text.trim() === '') return []
  try {
    const list: unknown = JSON.parse(text)
    if (!Array.isArray(list)) return null
    const tools = list.map((entry) => (entry.type === 'function' ? entry : { type: 'function', function: entry }) as ToolDefinition)
    return tools.every((tool) => typeof tool.function?.name === 'string' && tool.function.name !== '') ? tools : null
  } catch {
    return null
  }
}

export function chatRequest(model: string, conversation: Conversation, path: Message[], fields: Partial<ChatRequest>): ChatRequest {
  const request: ChatRequest = { model, messages: wireMessages(conversation.system, path), ...fields }
  const tools = parseTools(conversation.tools)
  if (tools?.length) request.tools = tools
  return request
}
