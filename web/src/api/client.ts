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

/** Sends a form and tells how far it is, which fetch cannot. */
export function upload(path: string, form: FormData, onProgress: (sent: number) => void, abort: AbortSignal): Promise<Response> {
  return withKey(false, (key) => new Promise<Response>((resolve, reject) => {
    const request = new XMLHttpRequest()
    const cancel = () => request.abort()
    const end = (act: () => void) => () => {
      abort.removeEventListener('abort', cancel)
      act()
    }
    request.open('POST', path)
    if (key) request.setRequestHeader('Authorization', `Bearer ${key}`)
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = end(() => resolve(new Response(request.responseText, { status: request.status, statusText: request.statusText })))
    request.onerror = end(() => reject(new ApiError('network', 'The connection broke.')))
    request.onabort = end(() => reject(new DOMException('Cancelled', 'AbortError')))
    if (abort.aborted) return void request.onabort(new ProgressEvent('abort'))
    abort.addEventListener('abort', cancel)
    request.send(form)
  }))
}

export interface Ask {
  method?: 'GET' | 'POST' | 'DELETE'
  body?: unknown
  form?: FormData
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Background requests (polling) fail with 401 instead of asking for a key again. */
  quiet?: boolean
}

/** Sends with the key that there is; where another is wanted, asks for it and sends again. */
async function withKey(quiet: boolean, send: (key: string) => Promise<Response>): Promise<Response> {
  for (;;) {
    const key = apiKey()
    const response = await send(key)
    if (response.ok) return response
    if (response.status !== 401 || quiet) throw await errorOf(response)
    // Another request may have brought a new key meanwhile.
    if (apiKey() === key && !(await askForKey(key !== ''))) throw await errorOf(response)
  }
}

export function ask(path: string, options: Ask = {}): Promise<Response> {
  return withKey(options.quiet ?? false, async (key) => {
    const headers: Record<string, string> = { ...options.headers }
    if (options.body !== undefined) headers['Content-Type'] = 'application/json'
    if (key) headers.Authorization = `Bearer ${key}`
    try {
      return await fetch(path, {
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
  })
}
