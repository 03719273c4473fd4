import { describe, expect, it } from 'vitest'
import { EventAssembler, LineSplitter, type ServerEvent } from '../src/api/lines'

const bytes = (text: string) => new TextEncoder().encode(text)

/** Every way of cutting a stream in two must give the same lines. */
function linesOf(pieces: Uint8Array[]): string[] {
  const splitter = new LineSplitter()
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.finish()]
}

function eventsOf(text: string, cut: number): ServerEvent[] {
  const assembler = new EventAssembler()
  const all = bytes(text)
  return linesOf([all.slice(0, cut), all.slice(cut)])
    .map((line) => assembler.push(line))
    .filter((event) => event !== null)
}

describe('LineSplitter', () => {
  it('takes LF, CRLF and CR, and keeps a last line without an end', () => {
    expect(linesOf([bytes('a\nb\r\nc\rd')])).toEqual(['a', 'b', 'c', 'd'])
  })

  it('gives the same lines wherever the stream is cut, also inside a character', () => {
    const text = 'data: 온돌\r\n\r\ndata: 🔥\n\n\rend'
    const whole = linesOf([bytes(text)])
    expect(whole).toEqual(['data: 온돌', '', 'data: 🔥', '', '', 'end'])
    for (let cut = 0; cut <= bytes(text).length; cut++) {
      expect(linesOf([bytes(text).slice(0, cut), bytes(text).slice(cut)])).toEqual(whole)
    }
  })
})

describe('EventAssembler', () => {
  const stream = ': a comment\ndata: {"a":1}\n\nevent: ping\ndata:two\ndata:  lines\nid: 7\n\ndata\n\n\ndata: [DONE]\n\ndata: cut off'

  it('joins lines of data, takes one space away and drops what was cut off', () => {
    const expected = [
      { event: 'message', data: '{"a":1}' },
      { event: 'ping', data: 'two\n lines' },
      { event: 'message', data: '' },
      { event: 'message', data: '[DONE]' },
    ]
    for (let cut = 0; cut <= stream.length; cut++) expect(eventsOf(stream, cut)).toEqual(expected)
  })
})
