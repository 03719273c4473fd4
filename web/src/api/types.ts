// What goes over the wire, as the server defines it. Only what the page uses.

export interface ModelInfo {
  id: string
  object: 'model'
  created: number
  owned_by: string
  /** Of an adapter: the model that it belongs to. */
  parent?: string
  ondol?: {
    state: 'loaded' | 'available'
    size_bytes: number
    context_length: number
    fits: boolean
    /** A sentence for a person: how the model would lie in memory, or why it does not fit. */
    plan: string
    /** The same in numbers; absent when the file cannot be read, and in older servers. */
    memory?: MemoryPlan
    architecture: string
    quantization: string
    has_tools: boolean
    has_reasoning: boolean
    loaded_context?: number | null
  }
}

export interface MemoryPlan {
  weights_bytes: number
  working_bytes: number
  kv_bytes: number
  available_bytes: number
  context_length: number
  context_wanted: number
  /** Negative when not even the weights fit. */
  fitting_context: number
}

export interface WireToolCall {
  id: string
  type: 'function'
  function: { name: string; arguments: string }
}

export type WireContent = string | { type: 'text'; text: string }[]

export type WireMessage =
  | { role: 'system' | 'user'; content: WireContent }
  | { role: 'assistant'; content: string; reasoning_content?: string; tool_calls?: WireToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string }

export interface ToolDefinition {
  type: 'function'
  function: { name: string; description?: string; parameters?: unknown }
}

export type ReasoningEffort = 'none' | 'low' | 'medium' | 'high'

export interface ChatRequest {
  model: string
  messages: WireMessage[]
  tools?: ToolDefinition[]
  temperature?: number
  top_p?: number
  top_k?: number
  min_p?: number
  repeat_penalty?: number
  presence_penalty?: number
  frequency_penalty?: number
  seed?: number
  max_tokens?: number
  stop?: string[]
  reasoning_effort?: ReasoningEffort
  /** The last message is an answer that was cut off; the model goes on with it instead of beginning a new one. */
  continue_final_message?: boolean
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details?: { cached_tokens?: number }
  completion_tokens_details?: { reasoning_tokens?: number }
}

/** Ondol's own extension of the last chunk. */
export interface Timings {
  prompt_n: number
  cached_n: number
  prompt_ms: number
  predicted_n: number
  predicted_ms: number
}

export interface ToolCallDelta {
  index: number
  id?: string
  function?: { name?: string; arguments?: string }
}

export interface ChatChunk {
  choices: {
    index: number
    delta: { role?: string; content?: string | null; reasoning_content?: string | null; tool_calls?: ToolCallDelta[] }
    finish_reason: 'stop' | 'length' | 'tool_calls' | 'content_filter' | null
  }[]
  usage?: Usage | null
  timings?: Timings
  error?: WireError
}

export interface WireError {
  message: string
  type?: string | null
  param?: string | null
  code?: string | number | null
}

export interface PullProgress {
  status?: string
  digest?: string
  total?: number
  completed?: number
  error?: string
}

export interface RunningModel {
  name: string
  size?: number
  context_length?: number
  expires_at?: string
  details?: { quantization_level?: string; parameter_size?: string }
}
