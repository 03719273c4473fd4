// Takes a stream of bytes apart into lines, and lines into server-sent events. Pieces may be cut anywhere, even inside
// a character.

/** Collects pieces and gives back the lines that are complete. Lines end in LF, CRLF or CR. */
export class LineSplitter {
  private readonly decoder = new TextDecoder()
  private rest = ''
  private afterCarriageReturn = false

  push(bytes: Uint8Array): string[] {
    return this.take(this.decoder.decode(bytes, { stream: true }))
  }

  /** What is left when the stream has ended. */
  finish(): string[] {
    const lines = this.take(this.decoder.decode())
    if (this.rest !== '') lines.push(this.rest)
    this.rest = ''
    return lines
  }

  private take(piece: string): string[] {
    const lines: string[] = []
    let text = this.rest + piece
    if (this.afterCarriageReturn && this.rest === '' && text.startsWith('\n')) text = text.slice(1)
    if (piece !== '') this.afterCarriageReturn = false
    let start = 0
    for (const match of text.matchAll(/\r\n|\n|\r/g)) {
      lines.push(text.slice(start, match.index))
      start = match.index + match[0].length
      this.afterCarriageReturn = match[0] === '\r' && start === text.length
    }
    this.rest = text.slice(start)
    return lines
  }
}

export interface ServerEvent {
  event: string
  data: string
}

/** Joins lines to events, as the specification of server-sent events says; ids and retry times are not kept. */
export class EventAssembler {
  private event = ''
  private data: string[] = []

  /** The event that this line ends, if it ends one. */
  push(line: string): ServerEvent | null {
    if (line === '') {
      const complete = this.data.length > 0 ? { event: this.event || 'message', data: this.data.join('\n') } : null
      this.event = ''
      this.data = []
      return complete
    }
    if (line.startsWith(':')) return null
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    let value = colon < 0 ? '' : line.slice(colon + 1)
    if (value.startsWith(' ')) value = value.slice(1)
    if (field === 'data') this.data.push(value)
    else if (field === 'event') this.event = value
    return null
  }
}

export async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const splitter = new LineSplitter()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      yield* splitter.push(value)
    }
    yield* splitter.finish()
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

/** An event that is cut off by the end of the stream is dropped, as the specification demands. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const assembler = new EventAssembler()
  for await (const line of readLines(body)) {
    const event = assembler.push(line)
    if (event) yield event
  }
}
