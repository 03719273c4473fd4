// Schedules: what starts jobs by itself.
import { signal } from '@preact/signals'
import * as api from '../api/agents'
import type { Schedule } from '../api/agents'
import type { ApiError } from '../api/client'
import { takeJob, told } from './agents'
import { asApiError } from './documents'
import { showToast } from './interface'
import { t } from './settings'

export const schedules = signal<Schedule[] | null>(null)
export const schedulesError = signal<ApiError | null>(null)

const EVERY_MS = 10_000

export async function readSchedules(quiet: boolean): Promise<void> {
  try {
    schedules.value = await api.listSchedules(quiet)
    schedulesError.value = null
  } catch (error) {
    schedulesError.value = asApiError(error)
  }
}

/** Reads until the returned function is called: their next times move on. */
export function watchSchedules(): () => void {
  void readSchedules(false)
  const timer = window.setInterval(() => document.hidden || void readSchedules(true), EVERY_MS)
  return () => window.clearInterval(timer)
}

/** What was made; fails with an ApiError. */
export async function makeSchedule(wish: api.ScheduleWish): Promise<Schedule> {
  const made = await api.makeSchedule(wish)
  const { secret: _, ...kept } = made
  schedules.value = [...(schedules.value ?? []).filter((s) => s.name !== made.name), kept]
  void readSchedules(true)
  return made
}

export async function runSchedule(name: string): Promise<void> {
  const job = await told(() => api.runSchedule(name))
  if (!job) return
  takeJob(job, true)
  showToast(t.value.agents.schedules.started(name, job.id))
  await readSchedules(true)
}

export async function deleteSchedule(name: string): Promise<void> {
  const isGone = await told(async () => {
    await api.deleteSchedule(name)
    return true
  })
  if (!isGone) return
  schedules.value = schedules.value?.filter((s) => s.name !== name) ?? null
  showToast(t.value.agents.schedules.deleted(name))
}
