// The settings of sampling: their ranges and defaults, and what of them goes into a request. A setting that was not
// touched is not sent, so that the server's (and the model's) own default holds.
import type { ChatRequest, ReasoningEffort } from '../api/types'
import { persisted } from './persisted'

export type NumberKey =
  | 'temperature'
  | 'top_p'
  | 'top_k'
  | 'min_p'
  | 'repeat_penalty'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'seed'
  | 'max_tokens'

export interface NumberField {
  key: NumberKey
  min: number
  max: number
  step: number
  /** Where the slider stands until it is moved. */
  neutral: number
  slider: boolean
}

export const NUMBER_FIELDS: NumberField[] = [
  { key: 'temperature', min: 0, max: 2, step: 0.05, neutral: 0.8, slider: true },
  { key: 'top_p', min: 0, max: 1, step: 0.01, neutral: 0.95, slider: true },
  { key: 'top_k', min: 0, max: 200, step: 1, neutral: 40, slider: true },
  { key: 'min_p', min: 0, max: 1, step: 0.01, neutral: 0.05, slider: true },
  { key: 'repeat_penalty', min: 0.8, max: 2, step: 0.01, neutral: 1, slider: true },
  { key: 'presence_penalty', min: -2, max: 2, step: 0.05, neutral: 0, slider: true },
  { key: 'frequency_penalty', min: -2, max: 2, step: 0.05, neutral: 0, slider: true },
  { key: 'max_tokens', min: 1, max: 1_000_000, step: 1, neutral: 1024, slider: false },
  { key: 'seed', min: 0, max: 4_294_967_295, step: 1, neutral: 42, slider: false },
]

export type Sampling = Partial<Record<NumberKey, number>> & { stop?: string[]; reasoning_effort?: ReasoningEffort }

export const sampling = persisted<Sampling>('ondol.sampling', {})

export function changeSampling<K extends keyof Sampling>(key: K, value: Sampling[K] | undefined): void {
  const next = { ...sampling.value }
  if (value === undefined) delete next[key]
  else next[key] = value
  sampling.value = next
}

/** The fields of a request; the effort of reasoning only for models that reason. */
export function requestFields(values: Sampling, hasReasoning: boolean): Partial<ChatRequest> {
  const { stop, reasoning_effort, ...numbers } = values
  const fields: Partial<ChatRequest> = { ...numbers }
  if (stop?.length) fields.stop = stop
  if (reasoning_effort && hasReasoning) fields.reasoning_effort = reasoning_effort
  return fields
}
