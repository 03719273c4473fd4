// One streamed answer: POST /v1/chat/completions taken apart into what the page shows.
import { ApiError, ask, isAbort } from './client'
import { readEvents } from './lines'
import type { ChatChunk, ChatRequest, Timings, ToolCallDelta, Usage } from './types'

export interface ChatListener {
  onReasoning(text: string): void
  onContent(text: string): void
  onToolCall(delta: ToolCallDelta): void
}

export interface ChatEnd {
  finishReason: string
  usage: Usage | null
  timings: Timings | null
}

/**
 * Resolves when the answer is complete. Throws ApiError: `http` before anything came, `network` when the connection
 * broke (before or in the middle), `stream` when the server reported an error in the middle; AbortError after a stop.
 */
export async function streamChat(request: ChatRequest, listener: ChatListener, abort: AbortSignal): Promise<ChatEnd> {
  const body = { ...request, stream: true, stream_options: { include_usage: true } }
  const response = await ask('/v1/chat/completions', { method: 'POST', body, signal: abort })
  if (!response.body) throw new ApiError('network', 'The answer has no body.')
  const end: ChatEnd = { finishReason: '', usage: null, timings: null }
  try {
    for await (const event of readEvents(response.body)) {
      if (event.data === '[DONE]') return end
      take(parseChunk(event.data), listener, end)
    }
  } catch (error) {
    if (error instanceof ApiError || isAbort(error)) throw error
    throw new ApiError('network', error instanceof Error ? error.message : String(error))
  }
  throw new ApiError('network', 'The stream ended before the answer did.')
}

function parseChunk(data: string): ChatChunk {
  try {
    return JSON.parse(data) as ChatChunk
  } catch {
    throw new ApiError('stream', `The server sent something that is not JSON: ${data.slice(0, 100)}`)
  }
}

function take(chunk: ChatChunk, listener: ChatListener, end: ChatEnd): void {
  if (chunk.error) {
    throw new ApiError('stream', chunk.error.message, 0, chunk.error.code == null ? '' : String(chunk.error.code))
  }
  const choice = chunk.choices?.[0]
  if (choice) {
    const { delta } = choice
    if (delta?.reasoning_content) listener.onReasoning(delta.reasoning_content)
    if (delta?.content) listener.onContent(delta.content)
    for (const call of delta?.tool_calls ?? []) listener.onToolCall(call)
    if (choice.finish_reason) end.finishReason = choice.finish_reason
  }
  if (chunk.usage) end.usage = chunk.usage
  if (chunk.timings) end.timings = chunk.timings
}
