import { expect, test } from 'vitest'
import { charactersAt, excerpt, locate, marked, windowAround } from '../src/state/passages'

const bytesOf = (text: string) => new TextEncoder().encode(text).length

test('bytes become characters, in every script', () => {
  const text = 'aé보증😀z'
  const places = [...text].reduce((all, c) => [...all, all.at(-1)! + bytesOf(c)], [0])
  expect(charactersAt(text, places)).toEqual([0, 1, 2, 3, 4, 6, 7])
  expect(charactersAt(text, [1, 1, 2, 3, 100])).toEqual([1, 1, null, 2, null]) // 2 is inside é
  expect(charactersAt('', [0, 1])).toEqual([0, null])
})

test('a passage is found where it should be, and else where it stands', () => {
  const text = '보증 기간은 24개월. 보증 기간은 12개월.\n보증 기간은  24개월'
  const second = text.indexOf('보증 기간', 5)
  const bytes = { start: bytesOf(text.slice(0, second)), end: bytesOf(text.slice(0, second) + '보증 기간') }
  expect(locate(text, '보증 기간', bytes)).toEqual({ start: second, end: second + 5 })
  expect(locate(text, '12개월', { start: 0, end: 3 })).toEqual({ start: text.indexOf('12개월'), end: text.indexOf('12개월') + 4 })
  expect(locate('one  two\n three', 'two three')).toEqual({ start: 5, end: 15 })
  expect(locate(text, 'penguin')).toBeNull()
  expect(locate(text, ' ')).toBeNull()
})

test('a window holds the passage and not much more, in whole lines', () => {
  const text = Array.from({ length: 1000 }, (_, i) => `line ${i}`).join('\n')
  const start = text.indexOf('line 500\n')
  const shown = windowAround(text, { start, end: start + 8 }, 400)
  expect(shown.end - shown.start).toBeLessThanOrEqual(400)
  expect(text.slice(shown.start, shown.end)).toMatch(/^line \d+\n[^]*line 500\n[^]*line \d+$/)
  expect(windowAround('short', null, 400)).toEqual({ start: 0, end: 5 })
  const long = { start: 10, end: 900 }
  expect(windowAround(text, long, 100)).toMatchObject({ start: 10 })
  expect(windowAround(text, long, 100).end).toBeGreaterThanOrEqual(900)
})

test('the words of a question are marked, with other endings, and text stays text', () => {
  const hits = (text: string, query: string) => marked(text, query).filter((p) => p.isHit).map((p) => p.text)
  expect(hits('The warranty of both: warranties end. A war.', 'how long is the warranty')).toEqual(['warranty', 'warranties'])
  expect(hits('세탁기의 보증 기간은 24개월', '보증기간은 세탁기 기간이')).toEqual(['세탁기', '기간'])
  expect(hits('what is it', 'what is it')).toEqual(['what', 'is', 'it'])
  expect(hits('a.b (c', '.*(')).toEqual([])
  for (const text of ['<b>bay</b> & bay', 'bay', '']) expect(marked(text, 'bay').map((p) => p.text).join('')).toBe(text)
  expect(hits('24개월 24', '24')).toEqual(['24', '24'])
})

test('an excerpt begins near the first hit and is not long', () => {
  const pieces = marked(`${'before '.repeat(100)}bay ${'after '.repeat(300)}`, 'bay')
  const shown = excerpt(pieces, 20, 100)
  expect(shown.filter((p) => p.isHit).map((p) => p.text)).toEqual(['bay'])
  expect(shown[0]!.text).toMatch(/^….{20}$/)
  expect(shown.map((p) => p.text).join('').length).toBeLessThan(110)
  expect(excerpt(marked('short bay', 'bay'), 20, 100)).toEqual(marked('short bay', 'bay'))
  expect(excerpt(marked('x'.repeat(200), 'bay'), 20, 100)[0]!.text).toHaveLength(101)
})
