// The server's metrics over the last minutes, read while the status page is open.
import { signal } from '@preact/signals'
import { metricsText, runningModels, serverVersion } from '../api/models'
import { ApiError } from '../api/client'
import { between, histogram, parsePrometheus, quantile, total, type Histogram } from '../api/prometheus'
import type { RunningModel } from '../api/types'

export interface Reading {
  at: number
  running: number | null
  waiting: number | null
  /** Tokens per second since the reading before. */
  generated: number | null
  prompt: number | null
  cached: number | null
  /** Seconds to the first token, of the answers that began since the reading before. */
  firstTokenMedian: number | null
  firstTokenSlow: number | null
  pagesUsed: number | null
  pagesTotal: number | null
  resident: number | null
  available: number | null
}

interface Counters {
  at: number
  generated: number | null
  prompt: number | null
  cached: number | null
  firstToken: Histogram | null
}

export const EVERY_MS = 2000
export const KEEP_MS = 5 * 60_000

export const readings = signal<Reading[]>([])
export const runningNow = signal<RunningModel[]>([])
export const version = signal('')
export const metricsError = signal<ApiError | null>(null)

/** Counters grow until the server begins anew. */
function rate(before: number | null, now: number | null, seconds: number): number | null {
  if (before === null || now === null || seconds <= 0) return null
  return Math.max(0, now >= before ? now - before : now) / seconds
}

export function readingOf(text: string, at: number, before: Counters | null): { reading: Reading; counters: Counters } {
  const samples = parsePrometheus(text)
  const get = (name: string) => total(samples, name)
  const counters: Counters = {
    at,
    generated: get('ondol_tokens_generated_total'),
    prompt: get('ondol_tokens_prompt_total'),
    cached: get('ondol_tokens_cached_total'),
    firstToken: histogram(samples, 'ondol_time_to_first_token_seconds'),
  }
  const seconds = before ? (at - before.at) / 1000 : 0
  const began = before?.firstToken && counters.firstToken ? between(before.firstToken, counters.firstToken) : null
  const reading: Reading = {
    at,
    running: get('ondol_requests_running'),
    waiting: get('ondol_requests_waiting'),
    generated: before ? rate(before.generated, counters.generated, seconds) : null,
    prompt: before ? rate(before.prompt, counters.prompt, seconds) : null,
    cached: before ? rate(before.cached, counters.cached, seconds) : null,
    firstTokenMedian: began ? quantile(began, 0.5) : null,
    firstTokenSlow: began ? quantile(began, 0.95) : null,
    pagesUsed: get('ondol_kv_pages_used'),
    pagesTotal: get('ondol_kv_pages_total'),
    resident: get('process_resident_memory_bytes'),
    available: get('ondol_memory_available_bytes'),
  }
  return { reading, counters }
}

let last: Counters | null = null

async function poll(): Promise<void> {
  try {
    const [text, models] = await Promise.all([metricsText(), runningModels()])
    const now = Date.now()
    // After a pause (the page was elsewhere) rates would be averages over the pause.
    const { reading, counters } = readingOf(text, now, last && now - last.at < 3 * EVERY_MS ? last : null)
    last = counters
    readings.value = [...readings.value.filter((r) => r.at > now - KEEP_MS), reading]
    runningNow.value = models
    metricsError.value = null
    if (!version.value) version.value = await serverVersion()
  } catch (error) {
    metricsError.value = error instanceof ApiError ? error : new ApiError('stream', String(error))
  }
}

/** Reads until the returned function is called. */
export function watchMetrics(): () => void {
  let timer = 0
  let stopped = false
  const loop = async () => {
    if (!document.hidden) await poll()
    if (!stopped) timer = window.setTimeout(loop, EVERY_MS)
  }
  void loop()
  return () => {
    stopped = true
    window.clearTimeout(timer)
  }
}
