// One way to ask the server: adds the API key, asks for it once when the server wants one, and turns every failure
// into an ApiError.
import { signal } from '@preact/signals'
import type { WireError } from './types'

const KEY = 'ondol.apiKey'

export type ErrorKind = 'network' | 'http' | 'stream'

export class ApiError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
    readonly status = 0,
    readonly code = '',
  ) {
    super(message)
  }
}

/** Set while a key is asked for; the dialog answers through it. `wrong`: the key that was sent was refused. */
export const keyQuestion = signal<{ wrong: boolean; answer: (key: string | null) => void } | null>(null)
let asking: Promise<string | null> | null = null

export function apiKey(): string {
  return localStorage.getItem(KEY) ?? ''
}

export function setApiKey(key: string): void {
  if (key) localStorage.setItem(KEY, key)
  else localStorage.removeItem(KEY)
}

/** Several requests that fail at once share one question. */
function askForKey(wrong: boolean): Promise<string | null> {
  asking ??= new Promise<string | null>((resolve) => {
    keyQuestion.value = {
      wrong,
      answer: (key) => {
        keyQuestion.value = null
        asking = null
        if (key) setApiKey(key)
        resolve(key)
      },
    }
  })
  return asking
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  let error: WireError | string | undefined
  try {
    error = (JSON.parse(text) as { error?: WireError | string }).error
  } catch {
    error = undefined
  }
  if (typeof error === 'string') return new ApiError('http', error, response.status)
  const message = error?.message || text.slice(0, 300) || response.statusText || `HTTP ${response.status}`
  return new ApiError('http', message, response.status, error?.code == null ? '' : String(error.code))
}

export interface Ask {
  method?: 'GET' | 'POST' | 'DELETE'
  body?: unknown
  form?: FormData
  signal?: AbortSignal
  /** Background requests (polling) fail with 401 instead of asking for a key again. */
  quiet?: boolean
}

export async function ask(path: string, options: Ask = {}): Promise<Response> {
  for (;;) {
    const key = apiKey()
    const headers: Record<string, string> = {}
    if (options.body !== undefined) headers['Content-Type'] = 'application/json'
    if (key) headers.Authorization = `Bearer ${key}`
    let response: Response
    try {
      response = await fetch(path, {
        method: options.method ?? 'GET',
        headers,
        body: options.form ?? (options.body === undefined ? null : JSON.stringify(options.body)),
        signal: options.signal ?? null,
        cache: 'no-store',
      })
    } catch (error) {
      if (isAbort(error)) throw error
      throw new ApiError('network', error instanceof Error ? error.message : String(error))
    }
    if (response.ok) return response
    if (response.status !== 401 || options.quiet) throw await errorOf(response)
    // Another request may have brought a new key meanwhile.
    if (apiKey() === key && !(await askForKey(key !== ''))) throw await errorOf(response)
  }
}
