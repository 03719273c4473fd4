// Collections of documents as the server has them, and the files on their way there.
import { signal } from '@preact/signals'
import { ApiError, isAbort } from '../api/client'
import * as api from '../api/documents'
import { announce, showToast } from './interface'
import { t } from './settings'

export const collections = signal<api.Collection[] | null>(null)
export const collectionsError = signal<ApiError | null>(null)

export interface Opened {
  about: api.Collection
  files: api.CollectionFile[]
  hasMore: boolean
}

/** The collection that is shown. */
export const opened = signal<Opened | null>(null)
export const openedError = signal<ApiError | null>(null)
/** What the server keeps under a file's id; null: nothing any more. */
export const kept = signal<Record<string, api.KeptFile | null>>({})

export const asApiError = (error: unknown) => (error instanceof ApiError ? error : new ApiError('stream', error instanceof Error ? error.message : String(error)))

/** Files that came by this page go with it when they are removed; others may be used elsewhere. */
const MINE = { uploaded_with: 'page' } as const
const isMine = (file: api.CollectionFile) => file.attributes?.uploaded_with === MINE.uploaded_with

const LISTED = 100
const OFTEN_MS = 1000
const SELDOM_MS = 5000

// All collections.

async function readCollections(quiet: boolean): Promise<void> {
  try {
    collections.value = await api.listCollections(quiet)
    collectionsError.value = null
  } catch (error) {
    collectionsError.value = asApiError(error)
  }
}

export const retryCollections = () => readCollections(false)

/** Reads until the returned function is called. */
export function watchCollections(): () => void {
  return repeatedly((isFirst) => readCollections(!isFirst), () => (collections.value?.some((c) => c.status === 'in_progress') ? OFTEN_MS : SELDOM_MS))
}

export async function createCollection(name: string): Promise<api.Collection | null> {
  try {
    const made = await api.createCollection(name)
    collections.value = [made, ...(collections.value ?? [])]
    return made
  } catch (error) {
    collectionsError.value = asApiError(error)
    return null
  }
}

export async function renameCollection(id: string, name: string): Promise<void> {
  await told(async () => {
    await api.renameCollection(id, name)
    const renamed = (c: api.Collection) => (c.id === id ? { ...c, name } : c)
    collections.value = collections.value?.map(renamed) ?? null
    if (opened.value) opened.value = { ...opened.value, about: renamed(opened.value.about) }
  })
}

/** Whether it is gone. */
export async function removeCollection(id: string): Promise<boolean> {
  return told(async () => {
    const { data } = await api.listFiles(id, Infinity, false)
    await api.deleteCollection(id)
    for (const sending of sendings.value) if (sending.collection === id) cancelSending(sending.key)
    collections.value = collections.value?.filter((c) => c.id !== id) ?? null
    for (const file of data.filter(isMine)) await api.forgetFile(file.id).catch(() => undefined)
  })
}

async function told(action: () => Promise<void>): Promise<boolean> {
  try {
    await action()
    return true
  } catch (error) {
    showToast(asApiError(error).message, { kind: 'error' })
    return false
  }
}

/** Makes the pause until the next reading a short one. */
let hasNews: (() => void) | null = null

/** Runs at once, and again as long as nobody has stopped it and the page is seen. */
function repeatedly(read: (isFirst: boolean) => Promise<void>, pause: () => number): () => void {
  let timer = 0
  let stopped = false
  let isFirst = true
  const loop = async () => {
    hasNews = null
    if (isFirst || !document.hidden) await read(isFirst)
    isFirst = false
    if (stopped) return
    timer = window.setTimeout(loop, pause())
    hasNews = () => {
      window.clearTimeout(timer)
      timer = window.setTimeout(loop, OFTEN_MS)
    }
  }
  void loop()
  return () => {
    hasNews = null
    stopped = true
    window.clearTimeout(timer)
  }
}

// One collection.

let wanted: string | null = null
let wantedFiles = LISTED

const isMoving = () => opened.value?.about.file_counts.in_progress !== 0 || sendings.value.length > 0

export function watchCollection(id: string): () => void {
  if (opened.value?.about.id !== id) opened.value = null
  openedError.value = null
  wanted = id
  wantedFiles = LISTED
  const stop = repeatedly((isFirst) => readOpened(id, !isFirst), () => (isMoving() ? OFTEN_MS : SELDOM_MS))
  return () => {
    stop()
    wanted = null
  }
}

export const retryOpened = (id: string) => readOpened(id, false)

async function readOpened(id: string, quiet: boolean): Promise<void> {
  try {
    const about = await api.getCollection(id, quiet)
    const before = opened.value
    const isSame = before?.about.id === id && JSON.stringify(before.about.file_counts) === JSON.stringify(about.file_counts)
    // The list may be long: it is read where something has changed.
    const isSettled = isSame && about.file_counts.in_progress === 0 && before.files.length >= Math.min(wantedFiles, about.file_counts.total)
    const now: Opened = isSettled && quiet ? { ...before, about } : { about, ...(await filesOf(id, quiet)) }
    if (wanted !== id) return
    tellChanges(before, now)
    opened.value = now
    openedError.value = null
  } catch (error) {
    if (wanted === id) openedError.value = asApiError(error)
  }
}

async function filesOf(id: string, quiet: boolean): Promise<Pick<Opened, 'files' | 'hasMore'>> {
  const { data, has_more: hasMore } = await api.listFiles(id, wantedFiles, quiet)
  await learnNames(data)
  return { files: data, hasMore }
}

/** What has been read is said to those who cannot see it. */
function tellChanges(before: Opened | null, now: Opened): void {
  if (before?.about.id !== now.about.id) return
  const moving = new Set(before.files.filter((f) => f.status === 'in_progress').map((f) => f.id))
  const settled = now.files.filter((f) => moving.has(f.id) && f.status !== 'in_progress')
  const failed = settled.filter((f) => f.status === 'failed')
  const words = t.value.documents
  if (settled.length > failed.length) announce(words.haveBeenRead(settled.length - failed.length))
  for (const file of failed) announce(words.cannotRead(nameOf(file)))
}

export async function showMoreFiles(): Promise<void> {
  wantedFiles += LISTED
  if (wanted) await readOpened(wanted, false)
}

export async function removeFile(id: string, file: api.CollectionFile): Promise<void> {
  const name = nameOf(file)
  const isGone = await told(async () => {
    await api.detachFile(id, file.id)
    if (isMine(file)) await api.forgetFile(file.id).catch(() => undefined)
  })
  if (!isGone) return
  announce(t.value.documents.removed(name))
  await readOpened(id, true)
}

/** Collections know their files by id; their names are elsewhere. */
async function learnNames(files: api.CollectionFile[]): Promise<void> {
  const unknown = files.filter((f) => kept.value[f.id] === undefined && f.attributes?.path === undefined)
  if (unknown.length === 0) return
  const found = new Map((await api.listKeptFiles()).map((f) => [f.id, f]))
  kept.value = { ...kept.value, ...Object.fromEntries(unknown.map((f) => [f.id, found.get(f.id) ?? null])) }
}

export function nameOf(file: api.CollectionFile): string {
  const path = file.attributes?.path
  return kept.value[file.id]?.filename ?? (typeof path === 'string' ? (path.split('/').at(-1) ?? path) : file.id)
}

// Files on their way.

export interface Sending {
  key: number
  collection: string
  file: File
  sent: number
  state: 'waiting' | 'sending' | 'failed'
  error: string
}

export const sendings = signal<Sending[]>([])

/** As the server takes them. */
const MOST_BYTES = 256 * 2 ** 20
const AT_ONCE = 2
const aborts = new Map<number, AbortController>()
let nextKey = 1

const changeSending = (key: number, change: Partial<Sending>) => (sendings.value = sendings.value.map((s) => (s.key === key ? { ...s, ...change } : s)))

export function sendFiles(collection: string, files: File[]): void {
  const words = t.value.documents
  const added = files.map((file): Sending => {
    const error = file.size > MOST_BYTES ? words.tooLarge : ''
    return { key: nextKey++, collection, file, sent: 0, state: error ? 'failed' : 'waiting', error }
  })
  sendings.value = [...sendings.value, ...added]
  next()
}

export function sendAgain(key: number): void {
  changeSending(key, { state: 'waiting', sent: 0, error: '' })
  next()
}

/** Stops it, or takes a failed one out of the list. */
export function cancelSending(key: number): void {
  aborts.get(key)?.abort()
  sendings.value = sendings.value.filter((s) => s.key !== key)
}

function next(): void {
  const running = sendings.value.filter((s) => s.state === 'sending').length
  for (const { key } of sendings.value.filter((s) => s.state === 'waiting').slice(0, AT_ONCE - running)) void sendOne(key)
}

async function sendOne(key: number): Promise<void> {
  const { file, collection } = sendings.value.find((s) => s.key === key)!
  const abort = new AbortController()
  aborts.set(key, abort)
  changeSending(key, { state: 'sending' })
  try {
    // A file that cannot be read any more, or is a folder, would look like a broken connection.
    await file.slice(0, 1).arrayBuffer().catch(() => Promise.reject(new Error(t.value.documents.unreadable)))
    const one = await api.keepFile(file, (sent) => changeSending(key, { sent: Math.min(sent, file.size) }), abort.signal)
    try {
      if (abort.signal.aborted) throw new DOMException('Cancelled', 'AbortError')
      kept.value = { ...kept.value, [one.id]: one }
      await api.attachFile(collection, one.id, MINE)
    } catch (error) {
      await api.forgetFile(one.id).catch(() => undefined)
      throw error
    }
    if (wanted === collection) await readOpened(collection, true)
    hasNews?.()
    sendings.value = sendings.value.filter((s) => s.key !== key)
  } catch (error) {
    if (!isAbort(error)) changeSending(key, { state: 'failed', error: asApiError(error).message })
  } finally {
    aborts.delete(key)
    next()
  }
}
