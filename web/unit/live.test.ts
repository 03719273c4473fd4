import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ApiError } from '../src/api/client'
import { follow, type Live } from '../src/state/live'

/** A server whose streams the test holds in its hand. */
class Server implements Live {
  readonly log: string[] = []
  readonly streams: ReadableStreamDefaultController<Uint8Array>[] = []
  hasStreams = true
  isReachable = true
  isDone = false

  open = async (abort: AbortSignal): Promise<Response> => {
    if (!this.hasStreams) throw new Error('none')
    this.log.push('open')
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void this.streams.push(controller) })
    const mine = this.streams.at(-1)!
    abort.addEventListener('abort', () => mine.error(new DOMException('gone', 'AbortError')))
    return new Response(body)
  }

  read = async (isStreaming: boolean): Promise<void> => {
    this.log.push(isStreaming ? 'read' : 'poll')
    if (!this.isReachable) throw new Error('unreachable')
  }

  take = ({ event, data }: { event: string; data: string }): void => {
    this.log.push(`${event} ${data}`)
    this.isDone = event === 'end'
  }

  failed = (error: ApiError | null): void => {
    if (error) this.log.push(error.message)
  }

  isOver = (): boolean => this.isDone

  say(event: string, data: string): void {
    this.streams.at(-1)!.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${data}\n\n`))
  }
}

let stop = () => undefined as void
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  stop()
  vi.useRealTimers()
})

test('what is so is read once the stream is open, and the stream is read until it is over', async () => {
  const server = new Server()
  stop = follow(server)
  await pass(10)
  server.say('job', '1')
  server.say('end', '2')
  await pass(60_000)
  expect(server.log).toEqual(['open', 'read', 'job 1', 'end 2'])
})

test('a stream that broke is opened again at once', async () => {
  const server = new Server()
  stop = follow(server)
  await pass(10)
  await pass(5000)
  server.streams[0]!.error(new TypeError('network'))
  await pass(400)
  expect(server.log).toEqual(['open', 'read', 'open', 'read'])
})

test('without streams it reads again and again, and tells what is wrong', async () => {
  const server = new Server()
  server.hasStreams = false
  stop = follow(server)
  await pass(10)
  await pass(3000)
  server.isReachable = false
  await pass(3000)
  expect(server.log).toEqual(['poll', 'poll', 'poll', 'unreachable'])
  stop()
  await pass(10_000)
  expect(server.log).toHaveLength(4)
})

test('a stream in which nothing comes for a minute is opened anew', async () => {
  const server = new Server()
  stop = follow(server)
  await pass(10)
  await pass(50_000)
  server.say('job', '1')
  await pass(50_000)
  expect(server.log).toEqual(['open', 'read', 'job 1'])
  await pass(11_000)
  expect(server.log).toEqual(['open', 'read', 'job 1', 'open', 'read'])
})
