// The job that is shown: its steps as they happen.
import { signal } from '@preact/signals'
import * as api from '../api/agents'
import type { Job, Step } from '../api/agents'
import type { ApiError } from '../api/client'
import type { ServerEvent } from '../api/lines'
import { withSteps } from './agent-steps'
import { hasEnded, jobs, takeJob } from './agents'
import { follow } from './live'

export const steps = signal<readonly Step[]>([])
export const jobError = signal<ApiError | null>(null)

/** Steps come in bursts; they are shown together. */
const SHOW_EVERY_MS = 50

/** Until the returned function is called. */
export function watchJob(id: number): () => void {
  steps.value = []
  jobError.value = null
  let isFirst = true
  let isComplete = false
  let isGone = false
  let news: Step[] = []
  let timer = 0
  const show = () => {
    timer = 0
    steps.value = withSteps(steps.peek(), news)
    news = []
  }
  const lastKnown = () => news.at(-1)?.index ?? steps.peek().at(-1)?.index ?? -1
  const stop = follow({
    open: (abort) => api.streamSteps(id, lastKnown(), abort),
    read: async (isStreaming) => {
      const job = await api.getJob(id, !isFirst)
      isFirst = false
      takeJob(job, true)
      if (isStreaming) return
      // Asked after the job: what had ended then has all its steps now.
      const more = await api.listSteps(id, lastKnown())
      if (isGone) return
      steps.value = withSteps(steps.peek(), more)
      isComplete = hasEnded(job)
    },
    take: ({ event, data }: ServerEvent) => {
      if (event === 'step') {
        news.push(JSON.parse(data) as Step)
        timer ||= window.setTimeout(show, SHOW_EVERY_MS)
      } else if (event === 'state' || event === 'end') takeJob(JSON.parse(data) as Job, true)
      isComplete ||= event === 'end'
    },
    failed: (error) => {
      if (!isGone) jobError.value = error
    },
    isOver: () => isComplete || jobError.value?.status === 404,
  })
  return () => {
    isGone = true
    window.clearTimeout(timer)
    stop()
  }
}

export const jobOf = (id: number): Job | undefined => jobs.value.get(id)
