// Collections of documents: their files, searches in them, and answers out of them.
import { ApiError, ask, upload } from './client'
import { readEvents } from './lines'

export interface Collection {
  id: string
  name: string
  created_at: number
  usage_bytes: number
  status: 'in_progress' | 'completed' | 'expired'
  file_counts: { in_progress: number; completed: number; failed: number; total: number }
}

export type Attributes = Record<string, string | number | boolean>

export interface CollectionFile {
  id: string
  created_at: number
  usage_bytes: number
  status: 'in_progress' | 'completed' | 'failed' | 'cancelled'
  last_error: { code: string; message: string } | null
  attributes: Attributes | null
}

export interface KeptFile {
  id: string
  bytes: number
  filename: string
}

/** A place in a document, and what stands there. */
export interface Citation {
  number: number
  /** The file's name; in stores of this machine, where it lies. */
  path: string
  /** Absent where the file is gone. */
  file_id?: string
  filename?: string
  page: number | null
  line: number | null
  /** Bytes of the document's text. */
  start: number
  end: number
  quote: string
  headings: string
}

export interface Claim {
  text: string
  citations: Citation[]
  /** How much of it the best of its citations says, from 0 to 1. */
  support: number
  /** That say so independently of each other. */
  sources: number
  /** Places that give another number. */
  disagreeing: Citation[]
}

export interface DocumentAnswer {
  answer: string
  declined: boolean
  method: 'model' | 'extract'
  claims: Claim[]
  /** Claims of the model that nothing supports; they are not among the others. */
  dropped: number
  sources: Citation[]
}

export interface Found {
  file_id: string
  filename: string
  score: number
  attributes: Attributes | null
  content: { type: 'text'; text: string }[]
  ondol: { page: number | null; start: number; end: number }
}

export interface PageOf<T> {
  data: T[]
  has_more: boolean
}

const ROOT = '/v1/vector_stores'
const at = (...parts: string[]) => [ROOT, ...parts.map(encodeURIComponent)].join('/')

/** Those with another id are stores of this machine, which can only be read. */
export const isOurs = (id: string) => id.startsWith('vs_')

export async function listCollections(quiet: boolean): Promise<Collection[]> {
  const all: Collection[] = []
  for (;;) {
    const after = all.length > 0 ? `&after=${encodeURIComponent(all.at(-1)!.id)}` : ''
    const page = (await (await ask(`${ROOT}?limit=100${after}`, { quiet })).json()) as PageOf<Collection>
    all.push(...page.data)
    if (!page.has_more || page.data.length === 0) return all
  }
}

export async function createCollection(name: string): Promise<Collection> {
  return (await ask(ROOT, { method: 'POST', body: { name } })).json() as Promise<Collection>
}

export async function getCollection(id: string, quiet: boolean): Promise<Collection> {
  return (await ask(at(id), { quiet })).json() as Promise<Collection>
}

export async function renameCollection(id: string, name: string): Promise<void> {
  await ask(at(id), { method: 'POST', body: { name } })
}

export async function deleteCollection(id: string): Promise<void> {
  await ask(at(id), { method: 'DELETE' })
}

/** The newest `n` at least, if there are as many. */
export async function listFiles(id: string, n: number, quiet: boolean): Promise<PageOf<CollectionFile>> {
  const all: CollectionFile[] = []
  for (;;) {
    const after = all.length > 0 ? `&after=${encodeURIComponent(all.at(-1)!.id)}` : ''
    const page = (await (await ask(`${at(id, 'files')}?limit=100${after}`, { quiet })).json()) as PageOf<CollectionFile>
    all.push(...page.data)
    if (!page.has_more || page.data.length === 0 || all.length >= n) return { data: all, has_more: page.has_more }
  }
}

export async function listKeptFiles(): Promise<KeptFile[]> {
  const response = await ask('/v1/files?limit=10000', { quiet: true })
  return ((await response.json()) as PageOf<KeptFile>).data
}

export async function keepFile(file: File, onProgress: (sent: number) => void, abort: AbortSignal): Promise<KeptFile> {
  const form = new FormData()
  form.append('purpose', 'assistants')
  form.append('file', file, file.name)
  return (await upload('/v1/files', form, onProgress, abort)).json() as Promise<KeptFile>
}

export async function forgetFile(file: string): Promise<void> {
  await ask(`/v1/files/${encodeURIComponent(file)}`, { method: 'DELETE', quiet: true })
}

export async function originalOf(file: string): Promise<ArrayBuffer> {
  return (await ask(`/v1/files/${encodeURIComponent(file)}/content`)).arrayBuffer()
}

export async function attachFile(id: string, file: string, attributes: Attributes): Promise<void> {
  await ask(at(id, 'files'), { method: 'POST', body: { file_id: file, attributes } })
}

export async function detachFile(id: string, file: string): Promise<void> {
  await ask(at(id, 'files', file), { method: 'DELETE' })
}

/** What was read of a file. Starts and ends are bytes. */
export interface DocumentText {
  text: string
  /** Empty: the format has none. */
  pages: { page: number; start: number; end: number }[]
  /** What of the file is not in the text. */
  missing: string | null
}

export async function textOf(id: string, file: string): Promise<DocumentText> {
  return (await ask(at(id, 'files', file, 'text'))).json() as Promise<DocumentText>
}

export async function search(id: string, query: string, n: number, abort: AbortSignal): Promise<Found[]> {
  const response = await ask(at(id, 'search'), { method: 'POST', body: { query, max_num_results: n }, signal: abort })
  return ((await response.json()) as PageOf<Found>).data
}

export interface Question {
  query: string
  model?: string
  history: { question: string; answer: string }[]
}

/** Claims come one by one, as they pass their checks; then the whole answer. */
export async function askCollection(id: string, question: Question, onClaim: (claim: Claim) => void, abort: AbortSignal): Promise<DocumentAnswer> {
  const response = await ask(at(id, 'ask'), { method: 'POST', body: { ...question, stream: true }, signal: abort })
  if (!response.body) throw new ApiError('network', 'The answer has no body.')
  for await (const event of readEvents(response.body)) {
    const value = JSON.parse(event.data) as unknown
    if (event.event === 'answer') return value as DocumentAnswer
    if (event.event === 'claim') onClaim(value as Claim)
    if (event.event === 'error') throw new ApiError('stream', (value as { error: { message: string } }).error.message)
  }
  throw new ApiError('network', 'The stream ended before the answer did.')
}
