import { File as NodeFile } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { decodeText, readAttachment } from '../src/state/attachments'
import { RateMeter } from '../src/state/downloads'
import { parseRoute } from '../src/state/router'
import { requestFields } from '../src/state/sampling'
import { findIn } from '../src/state/search'
import { conversationFrom, fileName, toMarkdown } from '../src/state/transfer'
import { pathOf, type Conversation } from '../src/state/tree'

const conversation: Conversation = {
  id: 'c', title: 'Floors: warm/cold', created: 1, updated: 2, model: 'm', system: 'Be brief.', tools: '',
  messages: {
    q: { id: 'q', parent: null, role: 'user', content: '온돌은 어떻게 데우나요?', created: 1 },
    a: { id: 'a', parent: 'q', role: 'assistant', content: 'With fire.', created: 2, model: 'm', status: 'done' },
  },
  chosen: { '': 'q', q: 'a' },
}

// The test's DOM has no File.arrayBuffer.
const file = (parts: (string | Uint8Array)[], name: string, type = '') => new NodeFile(parts, name, { type }) as unknown as File

describe('attachments', () => {
  it('reads UTF-8, UTF-16 and EUC-KR, and refuses what is not text', () => {
    expect(decodeText(new TextEncoder().encode('온돌'))).toBe('온돌')
    expect(decodeText(Uint8Array.from([0xff, 0xfe, 0x61, 0]))).toContain('a')
    expect(decodeText(Uint8Array.from([0xbf, 0xc2, 0xb5, 0xb9]))).toBe('온돌')
    expect(decodeText(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0]))).toBeNull()
  })

  it('refuses pictures and large files by name', async () => {
    expect(await readAttachment(file(['x'], 'a.png', 'image/png'))).toBe('image')
    expect(await readAttachment(file([new Uint8Array(2_000_001)], 'a.txt'))).toBe('tooLarge')
    expect(await readAttachment(file(['a\r\nb'], 'a.txt'))).toEqual({ name: 'a.txt', text: 'a\nb' })
  })
})

describe('search', () => {
  it('finds text whatever its case, spacing or way of writing Hangul', () => {
    expect(findIn(conversation, 'WITH  fire')!.snippet!.match).toBe('With fire')
    expect(findIn(conversation, '온돌'.normalize('NFD'))!.message).toBe('q')
    expect(findIn(conversation, 'warm/')).toMatchObject({ message: '', snippet: null })
    expect(findIn(conversation, 'ice')).toBeNull()
  })
})

describe('transfer', () => {
  it('reads back what it wrote, under a new id', () => {
    const read = conversationFrom(JSON.parse(JSON.stringify(conversation)))!
    expect({ ...read, id: 'c' }).toEqual(conversation)
  })

  it('takes nothing it does not know', () => {
    expect(conversationFrom({ title: 'x' })).toBeNull()
    const odd = conversationFrom({ messages: { a: { role: 'root', content: 5, parent: 'gone', toolCalls: [7] } }, chosen: { '': 3 } })!
    expect(odd.messages.a).toMatchObject({ role: 'assistant', content: '', parent: null })
    expect(pathOf(odd)).toHaveLength(1)
  })

  it('writes Markdown and safe file names', () => {
    expect(toMarkdown(conversation)).toBe('# Floors: warm/cold\n\n> Be brief.\n\n## User\n\n온돌은 어떻게 데우나요?\n\n## Assistant (m)\n\nWith fire.\n')
    expect(fileName('Floors: warm/cold', 'md')).toBe('Floors warm cold.md')
    expect(fileName('///', 'md')).toBe('conversation.md')
  })
})

describe('small things', () => {
  it('sends only the settings that were touched', () => {
    expect(requestFields({ temperature: 0, stop: [], reasoning_effort: 'high' }, false)).toEqual({ temperature: 0 })
    expect(requestFields({ stop: ['x'], reasoning_effort: 'high' }, true)).toEqual({ stop: ['x'], reasoning_effort: 'high' })
  })

  it('knows its routes', () => {
    expect(parseRoute('#/c/abc')).toEqual({ view: 'chat', id: 'abc' })
    expect(parseRoute('#/models')).toEqual({ view: 'models' })
    expect(parseRoute('#/nonsense')).toEqual({ view: 'chat', id: null })
  })

  it('measures a rate over the last seconds', () => {
    const meter = new RateMeter()
    expect(meter.add(0, 0)).toBe(0)
    expect(meter.add(1000, 500)).toBe(500)
    for (let at = 2000; at <= 20_000; at += 1000) meter.add(at, 500 + (at - 1000) * 2)
    expect(meter.add(21_000, 500 + 20_000 * 2)).toBeCloseTo(2000)
  })
})
