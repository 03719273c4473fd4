// What is being taught: the examples that were chosen, and the trainings of the server with their curves.
import { signal } from '@preact/signals'
import { ApiError } from '../api/client'
import * as api from '../api/tuning'
import { announce } from './interface'
import { loadModels } from './models'
import { t } from './settings'

export interface Examples {
  name: string
  id: string
  state: 'reading' | 'ready'
  preview: api.Preview | null
}

export interface Curve {
  last: string // the event up to which it was read
  steps: number[]
  loss: number[]
  validation: (number | null)[]
  speed: number
}

export const METHODS = ['supervised', 'dpo', 'orpo', 'kto'] as const
export type Method = (typeof METHODS)[number]

export const examples = signal<Examples | null>(null)
export const method = signal<Method>('supervised')
export const jobs = signal<api.TuningJob[]>([])
export const curves = signal<Record<string, Curve>>({})
export const teachingError = signal<ApiError | null>(null)

const EVERY_MS = 1000

const asApiError = (error: unknown) => (error instanceof ApiError ? error : new ApiError('stream', String(error)))

/** Sends the file, and asks what the model would learn from it. */
export async function takeExamples(file: File, model: string): Promise<void> {
  teachingError.value = null
  examples.value = { name: file.name, id: '', state: 'reading', preview: null }
  try {
    const id = await api.uploadExamples(file)
    examples.value = { name: file.name, id, state: 'reading', preview: null }
    await lookAgain(model)
  } catch (error) {
    examples.value = null
    teachingError.value = asApiError(error)
  }
}

export async function lookAgain(model: string): Promise<void> {
  const chosen = examples.value
  if (!chosen?.id) return
  examples.value = { ...chosen, state: 'reading' }
  try {
    const preview = await api.previewTuning({ model, training_file: chosen.id, method: { type: method.value } })
    if (examples.value?.id !== chosen.id) return
    examples.value = { ...chosen, state: 'ready', preview }
  } catch (error) {
    examples.value = { ...chosen, state: 'ready', preview: null }
    teachingError.value = asApiError(error)
  }
}

export async function startTeaching(wish: api.TuningWish): Promise<void> {
  teachingError.value = null
  try {
    await api.createTuning(wish)
    announce(t.value.teach.started)
    await refresh()
  } catch (error) {
    teachingError.value = asApiError(error)
  }
}

export async function cancelTeaching(job: string): Promise<void> {
  await attempt(api.cancelTuning(job))
}

export async function forgetTeaching(job: string): Promise<void> {
  await attempt(api.deleteTuning(job))
  await loadModels()
}

async function attempt(action: Promise<void>): Promise<void> {
  try {
    await action
    await refresh()
  } catch (error) {
    teachingError.value = asApiError(error)
  }
}

export function withEvents(curve: Curve | undefined, events: api.TuningEvent[]): Curve {
  const grown: Curve = curve ? { ...curve, steps: [...curve.steps], loss: [...curve.loss], validation: [...curve.validation] } : { last: '', steps: [], loss: [], validation: [], speed: 0 }
  for (const { id, data } of events) {
    grown.last = id
    if (!data || data.step <= (grown.steps.at(-1) ?? 0)) continue
    grown.steps.push(data.step)
    grown.loss.push(data.train_loss)
    grown.validation.push(data.full_valid_loss ?? null)
    grown.speed = data.tokens_per_s
  }
  return grown
}

const isMoving = (job: api.TuningJob) => job.status === 'running' || job.status === 'queued' || job.status === 'validating_files'

async function refresh(): Promise<void> {
  const before = new Map(jobs.value.map((job) => [job.id, job.status]))
  const now = await api.listTunings()
  for (const job of now) {
    const known = curves.value[job.id]
    if (known && !isMoving(job) && before.get(job.id) === job.status) continue
    const events = await api.tuningEvents(job.id, known?.last ?? '')
    curves.value = { ...curves.value, [job.id]: withEvents(known, events) }
    if (job.status === 'succeeded' && before.has(job.id)) {
      announce(t.value.teach.done(job.fine_tuned_model ?? ''))
      await loadModels()
    }
  }
  jobs.value = now
}

/** Reads until the returned function is called. */
export function watchTeaching(): () => void {
  let timer = 0
  let stopped = false
  const loop = async () => {
    try {
      if (!document.hidden) await refresh()
    } catch (error) {
      teachingError.value = asApiError(error)
    }
    if (!stopped) timer = window.setTimeout(loop, EVERY_MS)
  }
  void loop()
  return () => {
    stopped = true
    window.clearTimeout(timer)
  }
}
