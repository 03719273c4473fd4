// Asking for answers: what runs, how it is stopped, continued and repeated. One answer runs per conversation; several
// conversations may be answered at once.
import { batch, signal, type Signal } from '@preact/signals'
import { streamChat, type ChatEnd } from '../api/chat'
import { ApiError, isAbort } from '../api/client'
import { plainText } from '../markdown/plain'
import { change, createConversation, current, newId, peek, saveAll, titleFrom } from './conversations'
import { announce, clearAnnouncements } from './interface'
import { chosenModel, findModel, loadModels } from './models'
import { chatRequest, isEmpty } from './request'
import { go, links } from './router'
import { requestFields, sampling } from './sampling'
import { t } from './settings'
import {
  addMessage, changeMessage, pathOf, pathTo, removeMessage,
  type AnswerStats, type AnswerStatus, type Attachment, type Message, type ToolCall,
} from './tree'

/** The answer so far. */
export interface Live {
  content: string
  reasoning: string
  reasoningMs: number
  toolCalls: ToolCall[]
  phase: 'waiting' | 'reasoning' | 'answering'
}

export interface Run {
  conversation: string
  message: string
  abort: AbortController
  live: Signal<Live>
}

/** Running answers by conversation. */
export const runs = signal<Record<string, Run>>({})

const SAVE_EVERY_MS = 1000

export async function send(text: string, attachments: Attachment[]): Promise<void> {
  const model = chosenModel.value
  const conversation = current.value ?? createConversation(model)
  const last = pathOf(conversation).at(-1)
  const question: Message = {
    id: newId(), parent: last?.id ?? null, role: 'user', content: text, created: Date.now(),
    ...(attachments.length ? { attachments } : {}),
  }
  batch(() => {
    change(conversation.id, (c) => ({
      ...addMessage(c, question),
      title: c.title || titleFrom(text) || attachments[0]?.name || '',
    }))
    if (!current.value) go(links.chat(conversation.id))
  })
  await answer(conversation.id, question.id)
}

/** The edited question becomes a sibling of the old one. */
export async function edit(conversation: string, id: string, text: string): Promise<void> {
  const old = peek(conversation)?.messages[id]
  if (!old) return
  const question: Message = { ...old, id: newId(), content: text, created: Date.now() }
  change(conversation, (c) => addMessage(c, question))
  await answer(conversation, question.id)
}

/** Another answer to the same question. One that failed without a word is replaced. */
export async function regenerate(conversation: string, id: string): Promise<void> {
  const old = peek(conversation)?.messages[id]
  if (!old?.parent) return
  if (old.status === 'error') change(conversation, (c) => removeMessage(c, id))
  await answer(conversation, old.parent)
}

/** The results of tools that a person typed in; the model goes on with them. */
export async function giveResults(conversation: string, id: string, results: Record<string, string>): Promise<void> {
  const old = peek(conversation)?.messages[id]
  if (!old?.toolCalls) return
  const toolCalls = old.toolCalls.map((c) => ({ ...c, result: results[c.id] ?? c.result ?? '' }))
  change(conversation, (c) => changeMessage(c, id, { toolCalls }))
  await answer(conversation, id)
}

async function answer(conversation: string, parent: string): Promise<void> {
  if (runs.value[conversation]) return
  const message: Message = {
    id: newId(), parent, role: 'assistant', content: '', created: Date.now(), model: chosenModel.value, status: 'streaming',
  }
  change(conversation, (c) => addMessage(c, message))
  await run(conversation, message, false)
}

/** Goes on with an answer that was stopped, cut by a limit or by a broken connection. */
export async function continueAnswer(conversation: string, id: string): Promise<void> {
  const message = peek(conversation)?.messages[id]
  if (!message || runs.value[conversation]) return
  // A tool call that was cut off is asked for anew.
  const rest: Message = { ...message, status: 'streaming', error: undefined, toolCalls: undefined }
  change(conversation, (c) => changeMessage(c, id, rest))
  await run(conversation, rest, !isEmpty(rest))
}

export function stop(conversation: string): void {
  runs.value[conversation]?.abort.abort()
}

async function run(conversation: string, message: Message, continued: boolean): Promise<void> {
  const whole = peek(conversation)
  if (!whole) return
  const model = chosenModel.value
  const path = pathTo(whole, continued ? message.id : message.parent!)
  const request = chatRequest(model, whole, path, requestFields(sampling.value, findModel(model)?.ondol?.has_reasoning !== false))
  if (continued) request.continue_final_message = true

  const receiver = new Receiver(conversation, message)
  runs.value = { ...runs.value, [conversation]: receiver.run }
  clearAnnouncements()
  announce(t.value.chat.answering)
  let outcome: Partial<Message>
  try {
    const end = await streamChat(request, receiver, receiver.run.abort.signal)
    outcome = { status: end.finishReason === 'length' ? 'length' : 'done', ...(await statsOf(end, receiver, model)) }
  } catch (error) {
    outcome = failure(error, receiver.hasText())
  }
  const { [conversation]: _, ...others } = runs.value
  batch(() => {
    change(conversation, (c) => changeMessage(c, message.id, { ...receiver.finish(), model, error: undefined, ...outcome }))
    runs.value = others
  })
  saveAll()
  if (outcome.status === 'error' || outcome.status === 'interrupted') announce(t.value.chat.answerFailed)
  else announce(t.value.chat.answerDone)
  if (findModel(model)?.ondol?.state !== 'loaded') void loadModels()
}

function failure(error: unknown, hasText: boolean): Partial<Message> {
  if (isAbort(error)) return { status: 'stopped' }
  const known = error instanceof ApiError ? error : new ApiError('stream', error instanceof Error ? error.message : String(error))
  const status: AnswerStatus = hasText ? 'interrupted' : 'error'
  return { status, error: { kind: known.kind, message: known.message, status: known.status, code: known.code } }
}

async function statsOf(end: ChatEnd, receiver: Receiver, model: string): Promise<{ stats?: AnswerStats }> {
  if (!end.usage && !end.timings) return {}
  if (findModel(model)?.ondol?.state !== 'loaded') await loadModels()
  const info = findModel(model)?.ondol
  const completion = end.usage?.completion_tokens ?? end.timings?.predicted_n ?? 0
  const seconds = end.timings ? end.timings.predicted_ms / 1000 : receiver.secondsSinceFirst()
  return {
    stats: {
      promptTokens: end.usage?.prompt_tokens ?? end.timings?.prompt_n ?? 0,
      cachedTokens: end.timings?.cached_n ?? end.usage?.prompt_tokens_details?.cached_tokens ?? 0,
      completionTokens: completion,
      firstTokenMs: receiver.firstTokenMs,
      tokensPerSecond: seconds > 0 ? (end.timings?.predicted_n ?? completion) / seconds : 0,
      contextLength: info?.loaded_context || info?.context_length || 0,
    },
  }
}

/** Collects an answer and shows it at most once per frame. */
class Receiver {
  readonly run: Run
  firstTokenMs = 0
  private readonly began = performance.now()
  private first = 0
  private reasoningBegan = 0
  private now: Live
  private scheduled = false
  private saved = performance.now()
  private announced = 0

  constructor(conversation: string, private readonly message: Message) {
    const { content, reasoning = '', reasoningMs = 0, toolCalls = [] } = message
    this.now = { content, reasoning, reasoningMs, toolCalls, phase: 'waiting' }
    this.announced = content.length
    this.run = { conversation, message: message.id, abort: new AbortController(), live: signal(this.now) }
  }

  hasText = () => this.now.content !== '' || this.now.reasoning !== '' || this.now.toolCalls.length > 0

  secondsSinceFirst = () => (this.first ? (performance.now() - this.first) / 1000 : 0)

  onReasoning(text: string): void {
    if (!this.reasoningBegan) this.reasoningBegan = performance.now() - this.now.reasoningMs
    this.update({ reasoning: this.now.reasoning + text, phase: 'reasoning' })
  }

  onContent(text: string): void {
    this.update({ content: this.now.content + text, phase: 'answering' })
    this.announceParagraphs(false)
  }

  onToolCall(delta: { index: number; id?: string; function?: { name?: string; arguments?: string } }): void {
    const toolCalls = [...this.now.toolCalls]
    const old = toolCalls[delta.index] ?? { id: delta.id ?? newId(), name: '', arguments: '' }
    toolCalls[delta.index] = {
      ...old,
      name: old.name + (delta.function?.name ?? ''),
      arguments: old.arguments + (delta.function?.arguments ?? ''),
    }
    this.update({ toolCalls: toolCalls.filter(Boolean), phase: 'answering' })
  }

  finish(): Pick<Message, 'content' | 'reasoning' | 'reasoningMs' | 'toolCalls'> {
    this.announceParagraphs(true)
    const { content, reasoning, reasoningMs, toolCalls } = this.now
    return { content, ...(reasoning ? { reasoning, reasoningMs } : {}), ...(toolCalls.length ? { toolCalls } : {}) }
  }

  private update(part: Partial<Live>): void {
    const now = performance.now()
    if (!this.first) {
      this.first = now
      this.firstTokenMs = now - this.began
    }
    // Reasoning lasts until the first piece of anything else.
    if (this.reasoningBegan && this.now.phase !== 'answering') part.reasoningMs = now - this.reasoningBegan
    this.now = { ...this.now, ...part }
    if (this.scheduled) return
    this.scheduled = true
    // A page in the background draws no frames.
    if (document.hidden) window.setTimeout(this.show, 250)
    else requestAnimationFrame(this.show)
  }

  private readonly show = () => {
    this.scheduled = false
    this.run.live.value = this.now
    if (performance.now() - this.saved < SAVE_EVERY_MS || runs.peek()[this.run.conversation] !== this.run) return
    this.saved = performance.now()
    change(this.run.conversation, (c) => changeMessage(c, this.message.id, this.part()))
  }

  private part(): Partial<Message> {
    const { content, reasoning, reasoningMs, toolCalls } = this.now
    return { content, reasoning, reasoningMs, toolCalls }
  }

  private announceParagraphs(all: boolean): void {
    const end = all ? this.now.content.length : this.now.content.lastIndexOf('\n\n')
    if (end <= this.announced) return
    const text = plainText(this.now.content.slice(this.announced, end))
    this.announced = end
    if (text && current.peek()?.id === this.run.conversation) announce(text)
  }
}
