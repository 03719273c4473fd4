// Downloads that run in the server, with their rate over the last seconds and the time that is left.
import { signal } from '@preact/signals'
import { ApiError, isAbort } from '../api/client'
import { pullModel } from '../api/models'
import type { PullProgress } from '../api/types'
import { announce } from './interface'
import { loadModels } from './models'
import { t } from './settings'

export interface Download {
  model: string
  state: 'running' | 'done' | 'failed' | 'cancelled'
  status: string
  total: number
  completed: number
  /** Bytes per second; 0 while unknown. */
  rate: number
  secondsLeft: number | null
  error: ApiError | null
}

export const downloads = signal<Download[]>([])
const aborts = new Map<string, AbortController>()

const WINDOW_MS = 5000

/** Rate over a sliding window, so that it neither jumps nor remembers a stall for ever. */
export class RateMeter {
  private samples: { at: number; bytes: number }[] = []

  add(at: number, bytes: number): number {
    this.samples.push({ at, bytes })
    while (this.samples.length > 2 && at - this.samples[0]!.at > WINDOW_MS) this.samples.shift()
    const first = this.samples[0]!
    return at - first.at < 300 ? 0 : Math.max(0, ((bytes - first.bytes) / (at - first.at)) * 1000)
  }
}

function update(model: string, change: Partial<Download>): void {
  downloads.value = downloads.value.map((d) => (d.model === model ? { ...d, ...change } : d))
}

/** A model comes in several files, each with its own digest and size. */
class Files {
  private readonly files = new Map<string, { total: number; completed: number }>()

  add({ digest = '', total = 0, completed = 0 }: PullProgress): void {
    if (total > 0) this.files.set(digest, { total, completed })
  }

  sum(): { total: number; completed: number } {
    const sum = { total: 0, completed: 0 }
    for (const file of this.files.values()) {
      sum.total += file.total
      sum.completed += file.completed
    }
    return sum
  }
}

export async function download(model: string): Promise<void> {
  if (aborts.has(model)) return
  const abort = new AbortController()
  aborts.set(model, abort)
  const fresh: Download = { model, state: 'running', status: '', total: 0, completed: 0, rate: 0, secondsLeft: null, error: null }
  downloads.value = [...downloads.value.filter((d) => d.model !== model), fresh]
  const files = new Files()
  const meter = new RateMeter()
  try {
    await pullModel(
      model,
      (progress) => {
        files.add(progress)
        const sum = files.sum()
        const rate = meter.add(performance.now(), sum.completed)
        const secondsLeft = rate > 0 && sum.total > 0 ? (sum.total - sum.completed) / rate : null
        update(model, { status: progress.status ?? '', ...sum, rate, secondsLeft })
      },
      abort.signal,
    )
    update(model, { state: 'done', completed: files.sum().total })
    announce(t.value.models.downloaded(model))
    await loadModels()
  } catch (error) {
    if (isAbort(error)) update(model, { state: 'cancelled' })
    else update(model, { state: 'failed', error: error instanceof ApiError ? error : new ApiError('stream', String(error)) })
  } finally {
    aborts.delete(model)
  }
}

export function cancelDownload(model: string): void {
  aborts.get(model)?.abort()
}

export function forgetDownload(model: string): void {
  downloads.value = downloads.value.filter((d) => d.model !== model)
}
