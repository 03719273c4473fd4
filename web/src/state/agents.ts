// The jobs of agents as the server has them: the latest, those that wait for a person's answer, and what can be done
// with them. They are followed wherever the page is, because the sidebar counts those that ask.
import { computed, signal } from '@preact/signals'
import * as api from '../api/agents'
import type { Job, JobState } from '../api/agents'
import { ApiError } from '../api/client'
import type { ServerEvent } from '../api/lines'
import { asApiError } from './documents'
import { announce, showToast } from './interface'
import { follow } from './live'
import { t } from './settings'

export const STATES: JobState[] = ['asking', 'running', 'waiting', 'done', 'failed', 'cancelled']
const ENDED = new Set<JobState>(['done', 'failed', 'cancelled'])
export const hasEnded = (job: Job) => ENDED.has(job.state)

/** null: nobody has asked the server yet. */
export const about = signal<api.AgentsAbout | null>(null)
export const agentsError = signal<ApiError | null>(null)

/** All jobs that the page knows of, by number. */
export const jobs = signal<ReadonlyMap<number, Job>>(new Map())
const PAGE = 50
/** How far down the list is known, how many of it are shown, and whether the server has older ones. */
const shownDownTo = signal(Infinity)
const nShown = signal(PAGE)
const hasOlder = signal(false)
/** Which of them are listed; empty: all. */
export const filter = signal<JobState | ''>('')

/** As many are looked at again after a break. */
const MOST_AGAIN = 200
const MOST_ASKING = 100
/** Jobs change with every token; the page need not. */
const SHOW_EVERY_MS = 100

const newestFirst = (a: Job, b: Job) => b.id - a.id

export const asking = computed(() => [...jobs.value.values()].filter((job) => job.state === 'asking').sort(newestFirst))
/** Without those that ask: they are shown above. */
const known = computed(() => [...jobs.value.values()]
  .filter((job) => job.id >= shownDownTo.value && job.state !== 'asking' && (filter.value === '' || job.state === filter.value))
  .sort(newestFirst))
/** However many come while the page is open, the list stays short until more are wanted. */
export const listed = computed(() => known.value.slice(0, nShown.value))
export const hasMoreJobs = computed(() => hasOlder.value || known.value.length > nShown.value)

/** An ended job stays so; news of it that come late are old. */
export const isNews = (known: Job | undefined, next: Job) => !known || !hasEnded(known) || hasEnded(next)

function merge(news: Iterable<Job>): void {
  const all = new Map(jobs.peek())
  for (const job of news) if (isNews(all.get(job.id), job)) all.set(job.id, job)
  jobs.value = all
}

let incoming: Job[] = []
let timer = 0

function show(): void {
  window.clearTimeout(timer)
  timer = 0
  const news = incoming
  incoming = []
  const before = jobs.peek()
  merge(news)
  for (const job of news) tell(before.get(job.id), jobs.peek().get(job.id)!)
}

/** Takes up what is known of a job now. */
export function takeJob(job: Job, atOnce = false): void {
  incoming.push(job)
  if (atOnce) show()
  else if (!timer) timer = window.setTimeout(show, SHOW_EVERY_MS)
}

/** What matters is said to those who do not see it. */
function tell(before: Job | undefined, now: Job): void {
  const words = t.value.agents
  if (before?.state === now.state) return
  if (now.state === 'asking' && now.question) announce(words.told.asks(now.id, now.question.tool))
  else if (before && hasEnded(now)) announce(words.told.ended(now.id, words.states[now.state]))
}

/** The first pages of the list, and those that ask, however old. */
async function readJobs(): Promise<void> {
  const state = filter.peek()
  const waiting = api.listJobs({ state: 'asking', limit: MOST_ASKING })
  const found: Job[] = []
  let hasMore = false
  do {
    const page = await api.listJobs({ state, limit: PAGE, after: found.at(-1)?.id })
    found.push(...page.data)
    hasMore = page.has_more && page.data.length > 0
  } while (hasMore && found.length < MOST_AGAIN && found.at(-1)!.id > shownDownTo.peek())
  const ask = (await waiting).data
  if (filter.peek() !== state) return
  // What asked before and is not among these any more was answered elsewhere: it is asked for itself.
  const isThere = new Set([...found, ...ask].map((job) => job.id))
  const answered = ask.length < MOST_ASKING ? asking.peek().filter((job) => !isThere.has(job.id)) : []
  const others = await Promise.all(answered.map((job) => api.getJob(job.id, true).catch(() => ({ ...job, state: 'cancelled' as const, question: null }))))
  const lowest = hasMore ? found.at(-1)!.id : 0
  if (shownDownTo.peek() === Infinity || lowest <= shownDownTo.peek()) {
    shownDownTo.value = lowest
    hasOlder.value = hasMore
  }
  // What was so before the page came is not told.
  if (jobs.peek().size === 0) merge([...found, ...ask])
  else {
    incoming.push(...found, ...ask, ...others)
    show()
  }
}

export async function showMoreJobs(): Promise<void> {
  const state = filter.value
  nShown.value += PAGE
  if (known.value.length >= nShown.value || !hasOlder.value) return
  await told(async () => {
    const page = await api.listJobs({ state, limit: PAGE, after: shownDownTo.peek() })
    if (filter.peek() !== state) return
    incoming.push(...page.data)
    show()
    hasOlder.value = page.has_more && page.data.length > 0
    shownDownTo.value = hasOlder.value ? page.data.at(-1)!.id : 0
  })
}

export async function filterJobs(state: JobState | ''): Promise<void> {
  filter.value = state
  shownDownTo.value = Infinity
  nShown.value = PAGE
  hasOlder.value = false
  try {
    await readJobs()
  } catch (error) {
    agentsError.value = asApiError(error)
  }
}

export const isListRead = computed(() => shownDownTo.value !== Infinity)

const live = {
  open: api.streamJobs,
  read: async () => {
    about.value = await whatIsThere(true)
    if (about.value.enabled) await readJobs()
  },
  take: ({ event, data }: ServerEvent) => {
    if (event === 'job') takeJob(JSON.parse(data) as Job)
  },
  failed: (error: ApiError | null) => {
    agentsError.value = error
  },
  isOver: () => about.value?.enabled === false,
}

/** A server that knows nothing of agents has none. */
async function whatIsThere(quiet: boolean): Promise<api.AgentsAbout> {
  try {
    return await api.aboutAgents(quiet)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { enabled: false, workspaces: [], tools: [], sandbox: '' }
    throw error
  }
}

let stop: (() => void) | null = null

/** From now on, if the server has agents at all. */
export function followAgents(): void {
  stop?.()
  stop = follow(live)
}

/** Asks again whether there are agents. */
export async function lookForAgents(): Promise<void> {
  try {
    about.value = await whatIsThere(false)
    agentsError.value = null
    if (about.value.enabled) followAgents()
  } catch (error) {
    agentsError.value = asApiError(error)
  }
}

// What a person does. Failures are told.

export async function told<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action()
  } catch (error) {
    showToast(asApiError(error).message, { kind: 'error' })
    return null
  }
}

export async function answerJob(id: number, answer: api.Answer): Promise<void> {
  const now = await told(() => api.answerJob(id, answer))
  // It may have been answered elsewhere, or ended.
  const job = now ?? (await api.getJob(id, true).catch(() => null))
  if (job) takeJob(job, true)
  if (now) announce(t.value.agents.told.answered[answer])
}

export async function cancelJob(id: number): Promise<void> {
  const job = await told(() => api.cancelJob(id))
  if (job) takeJob(job, true)
}

/** The new job. */
export async function resumeJob(id: number, goal: string): Promise<Job | null> {
  const job = await told(() => api.resumeJob(id, goal))
  if (job) takeJob(job, true)
  return job
}
