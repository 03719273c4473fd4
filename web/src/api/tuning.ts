// Teaching: files of examples, what would be learned from them, and the trainings.
import { ask } from './client'

export interface TuningError {
  code: string
  message: string
  param: string | null
  line?: number
}

export interface Run {
  text: string
  is_learned: boolean
}

export interface Preview {
  error: TuningError | null
  format?: string
  n_examples?: number
  n_validation_examples?: number
  n_tokens?: number
  n_targets?: number
  n_cut?: number
  n_left_out?: number
  n_without_targets?: number
  first_example?: { role: string; runs: Run[] }[]
  memory_bytes?: number
}

export type TuningStatus = 'validating_files' | 'queued' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled'

export interface TuningJob {
  id: string
  created_at: number
  model: string
  status: TuningStatus
  error: TuningError | null
  fine_tuned_model: string | null
  user_provided_suffix: string | null
  ondol: { n_examples: number; steps: number; live_model: string | null }
}

export interface TuningEvent {
  id: string
  type: 'message' | 'metrics'
  message: string
  data: { step: number; train_loss: number; full_valid_loss?: number; tokens_per_s: number } | null
}

export interface TuningWish {
  model: string
  training_file: string
  suffix?: string
  method?: { type: string }
  ondol?: Record<string, unknown>
}

export async function uploadExamples(file: File): Promise<string> {
  const form = new FormData()
  form.append('purpose', 'fine-tune')
  form.append('file', file, file.name)
  const response = await ask('/v1/files', { method: 'POST', form })
  return ((await response.json()) as { id: string }).id
}

export async function previewTuning(wish: TuningWish): Promise<Preview> {
  return (await ask('/v1/fine_tuning/preview', { method: 'POST', body: wish })).json() as Promise<Preview>
}

export async function createTuning(wish: TuningWish): Promise<TuningJob> {
  return (await ask('/v1/fine_tuning/jobs', { method: 'POST', body: wish })).json() as Promise<TuningJob>
}

export async function listTunings(): Promise<TuningJob[]> {
  const response = await ask('/v1/fine_tuning/jobs?limit=100', { quiet: true })
  return ((await response.json()) as { data: TuningJob[] }).data
}

/** Those after the event `after`, the oldest first. */
export async function tuningEvents(job: string, after: string): Promise<TuningEvent[]> {
  const from = after ? `&after=${encodeURIComponent(after)}` : ''
  const response = await ask(`/v1/fine_tuning/jobs/${job}/events?order=asc&limit=10000${from}`, { quiet: true })
  return ((await response.json()) as { data: TuningEvent[] }).data
}

export async function cancelTuning(job: string): Promise<void> {
  await ask(`/v1/fine_tuning/jobs/${job}/cancel`, { method: 'POST', body: {} })
}

export async function deleteTuning(job: string): Promise<void> {
  await ask(`/v1/fine_tuning/jobs/${job}`, { method: 'DELETE' })
}
