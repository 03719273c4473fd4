// Agents: their jobs, what happens in them, and the schedules that start them.
import { ask } from './client'

export type Scope = 'read-only' | 'workspace' | 'full'
export type Approve = 'ask' | 'auto' | 'never'
export type JobState = 'waiting' | 'running' | 'asking' | 'done' | 'failed' | 'cancelled'
export type Effect = 'none' | 'reads' | 'changes workspace' | 'reaches out'

export interface ToolAbout {
  name: string
  description: string
  effect: Effect
}

export interface AgentsAbout {
  enabled: boolean
  workspaces: string[]
  tools: ToolAbout[]
  /** What programs are confined by, or why they cannot be. */
  sandbox: string | null
}

export interface Budget {
  turns: number
  tokens: number
  seconds: number
}

export interface JobWish {
  goal: string
  workspace: string
  model?: string
  tools?: string[]
  scope?: Scope
  approve?: Approve
  hosts?: string[]
  budget?: Partial<Budget>
}

export interface Question {
  tool: string
  reason: string
  preview: string
  can_always: boolean
}

export interface Job {
  id: number
  name: string
  state: JobState
  goal: string
  workspace: string
  model: string
  tools: string[]
  scope: Scope
  approve: Approve
  hosts: string[]
  budget: Budget
  created_at: number
  started_at: number | null
  ended_at: number | null
  session: string | null
  question: Question | null
  outcome: { reason: string; text: string } | null
  error: string | null
  usage: Budget
  trigger: { schedule: string } | null
}

export interface StepCall {
  id: string
  name: string
  arguments: unknown
}

/** A step of a session. Which members there are depends on its type; unknown types are possible. */
export interface Step {
  index: number
  type: string
  text?: string
  content?: string
  reasoning?: string
  calls?: StepCall[]
  was_cut?: boolean
  call?: string
  name?: string
  preview?: string
  verdict?: 'allowed' | 'approved' | 'remembered' | 'refused'
  reason?: string
  /** The number of the whole text of a result that was shortened. */
  kept?: number
  is_error?: boolean
  is_untrusted?: boolean
  has_secrets?: boolean
  /** Of a goal: what came with it, in strangers' words, and where from. */
  given?: string
  given_from?: string
  tools?: string[]
  turns?: number
  tokens?: number
  seconds?: number
}

export type ScheduleKind = 'times' | 'files' | 'hook'

export interface Schedule {
  name: string
  kind: ScheduleKind
  at: string | null
  files: string | null
  hook: string | null
  next_at: number | null
  /** When it last started a job; older servers do not say. */
  last_at?: number | null
  job: JobWish
  /** Of a hook that was just made, and never again. */
  secret?: string
}

export interface ScheduleWish {
  name: string
  kind: ScheduleKind
  at?: string
  files?: string
  job: JobWish
}

export type Answer = 'yes' | 'no' | 'always'

interface ListOf<T> {
  data: T[]
  has_more: boolean
}

const ROOT = '/v1/agents'
const STREAM = { Accept: 'text/event-stream' }

async function json<T>(response: Promise<Response>): Promise<T> {
  return (await response).json() as Promise<T>
}

export const aboutAgents = (quiet: boolean) => json<AgentsAbout>(ask(ROOT, { quiet }))

export interface JobsWanted {
  state: JobState | ''
  limit: number
  /** Only older ones. */
  after?: number
}

export function listJobs({ state, limit, after }: JobsWanted): Promise<ListOf<Job>> {
  const query = new URLSearchParams({ limit: String(limit), ...(state ? { state } : {}), ...(after ? { after: String(after) } : {}) })
  return json(ask(`${ROOT}/jobs?${query}`, { quiet: true }))
}

export const startJob = (wish: JobWish) => json<Job>(ask(`${ROOT}/jobs`, { method: 'POST', body: wish }))
export const getJob = (id: number, quiet: boolean) => json<Job>(ask(`${ROOT}/jobs/${id}`, { quiet }))
export const answerJob = (id: number, answer: Answer) => json<Job>(ask(`${ROOT}/jobs/${id}/answer`, { method: 'POST', body: { answer } }))
export const cancelJob = (id: number) => json<Job>(ask(`${ROOT}/jobs/${id}/cancel`, { method: 'POST', body: {} }))
export const resumeJob = (id: number, goal: string) => json<Job>(ask(`${ROOT}/jobs/${id}/resume`, { method: 'POST', body: goal ? { goal } : {} }))

/** Those behind the step `after`; -1: all. */
export async function listSteps(id: number, after: number): Promise<Step[]> {
  const query = after >= 0 ? `?after=${after}` : ''
  return (await json<ListOf<Step>>(ask(`${ROOT}/jobs/${id}/steps${query}`, { quiet: true }))).data
}

/** "step", "state" and, last, "end" events. */
export function streamSteps(id: number, after: number, abort: AbortSignal): Promise<Response> {
  const headers = after >= 0 ? { ...STREAM, 'Last-Event-ID': String(after) } : STREAM
  return ask(`${ROOT}/jobs/${id}/steps`, { headers, signal: abort, quiet: true })
}

/** A "job" event whenever something changes about any of them. */
export const streamJobs = (abort: AbortSignal) => ask(`${ROOT}/events`, { headers: STREAM, signal: abort, quiet: true })

export const listSchedules = async (quiet: boolean) => (await json<ListOf<Schedule>>(ask(`${ROOT}/schedules`, { quiet }))).data
export const makeSchedule = (wish: ScheduleWish) => json<Schedule>(ask(`${ROOT}/schedules`, { method: 'POST', body: wish }))
export const runSchedule = (name: string) => json<Job>(ask(`${ROOT}/schedules/${encodeURIComponent(name)}/run`, { method: 'POST', body: {} }))

export async function deleteSchedule(name: string): Promise<void> {
  await ask(`${ROOT}/schedules/${encodeURIComponent(name)}`, { method: 'DELETE' })
}
