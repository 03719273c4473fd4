// Keeps up with the server: by a stream of events where there is one, else by reading again and again. A page that is
// not seen holds no stream, because a browser has few connections to a server, and only reads now and then.
import { ApiError, isAbort } from '../api/client'
import { readEvents, type ServerEvent } from '../api/lines'

export interface Live {
  /** Opens the stream. */
  open(abort: AbortSignal): Promise<Response>
  /** What is so now. While it streams, once after each opening, so that nothing is lost in between. */
  read(isStreaming: boolean): Promise<void>
  take(event: ServerEvent): void
  /** What `read` failed with; null: it did not. */
  failed(error: ApiError | null): void
  /** Nothing more will come. */
  isOver(): boolean
}

const HEAD_MS = 1000
const PATIENCE_MS = 4000
/** A stream that ends sooner is none. */
const LIVED_MS = 3000
const PAUSE = { afterStream: 300, polling: 3000, hidden: 15_000 }

const asApiError = (error: unknown) => (error instanceof ApiError ? error : new ApiError('stream', error instanceof Error ? error.message : String(error)))

const within = <T>(ms: number, promise: Promise<T>): Promise<T | undefined> =>
  Promise.race([promise, new Promise<undefined>((done) => window.setTimeout(() => done(undefined), ms))])

async function read(live: Live, isStreaming: boolean): Promise<void> {
  await live.read(isStreaming)
  live.failed(null)
}

/** The stream that was opened, if one was; what is so now has been read. */
async function begin(live: Live, abort: AbortController): Promise<Response | null> {
  const opening = live.open(abort.signal).catch(() => null)
  const first = await within(HEAD_MS, opening)
  await read(live, !!first)
  if (first !== undefined) return first
  const second = (await within(PATIENCE_MS, opening)) ?? null
  if (second) await read(live, true)
  else abort.abort()
  return second
}

/** Whether there was a stream. */
async function round(live: Live, abort: AbortController): Promise<boolean> {
  if (document.hidden) {
    await read(live, false)
    return false
  }
  const response = await begin(live, abort)
  if (!response?.body || live.isOver()) return false
  const began = performance.now()
  try {
    for await (const event of readEvents(response.body)) {
      live.take(event)
      if (live.isOver()) break
    }
  } catch {
    // The next reading tells whether the server can be reached.
  }
  return performance.now() - began > LIVED_MS
}

/** Until it is over, or the returned function is called. */
export function follow(live: Live): () => void {
  let stopped = false
  let abort = new AbortController()
  let wake = () => undefined as void
  const pause = (ms: number) => new Promise<void>((done) => {
    const timer = window.setTimeout(done, ms)
    wake = () => {
      window.clearTimeout(timer)
      done()
    }
  })
  const onVisibility = () => {
    if (document.hidden) abort.abort()
    else wake()
  }
  const onOnline = () => wake()
  document.addEventListener('visibilitychange', onVisibility)
  window.addEventListener('online', onOnline)
  const stop = () => {
    stopped = true
    abort.abort()
    wake()
    document.removeEventListener('visibilitychange', onVisibility)
    window.removeEventListener('online', onOnline)
  }
  const loop = async () => {
    while (!stopped) {
      abort = new AbortController()
      let lived = false
      try {
        lived = await round(live, abort)
      } catch (error) {
        if (!stopped && !isAbort(error)) live.failed(asApiError(error))
      }
      abort.abort()
      if (live.isOver()) stop()
      if (!stopped) await pause(document.hidden ? PAUSE.hidden : lived ? PAUSE.afterStream : PAUSE.polling)
    }
  }
  void loop()
  return stop
}
