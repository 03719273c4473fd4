import { expect, test } from 'vitest'
import type { AgentsAbout, Job, Step } from '../src/api/agents'
import { curlOf } from '../src/components/agents/HookSecret'
import { beginningOf, diffOf, partsOf, withSteps } from '../src/state/agent-steps'
import { emptyForm, isFilled, wishOf, workspaceOf } from '../src/state/agent-wish'
import { isNews } from '../src/state/agents'

const step = (index: number, type: string, rest: Partial<Step> = {}): Step => ({ index, type, ...rest })

test('calls find what was decided about them and what came of them', () => {
  const parts = partsOf([
    step(0, 'session'),
    step(1, 'goal', { text: 'g' }),
    step(2, 'answer', { content: 'a', calls: [{ id: 'c1', name: 'x', arguments: {} }, { id: 'c2', name: 'y', arguments: {} }] }),
    step(3, 'call', { call: 'c1', verdict: 'allowed' }),
    step(4, 'end', { reason: 'asking' }),
    step(5, 'result', { call: 'c1', text: 'r' }),
    step(6, 'result', { call: 'c9', text: 'lost' }),
    step(7, 'dream', { text: 'd' }),
    step(8, 'end', { reason: 'done' }),
  ])
  expect(parts.map((part) => part.kind)).toEqual(['goal', 'answer', 'other', 'other', 'end'])
  const [, answer] = parts
  if (answer?.kind !== 'answer') throw new Error('expected an answer')
  expect(answer.calls.map(({ id, ruling, result }) => [id, ruling?.index, result?.index])).toEqual([['c1', 3, 5], ['c2', undefined, undefined]])
})

test('steps that are known already are left out', () => {
  const known = [step(0, 'session'), step(1, 'goal')]
  expect(withSteps(known, [step(1, 'goal'), step(3, 'note'), step(2, 'offer')]).map((s) => s.index)).toEqual([0, 1, 2, 3])
  expect(withSteps(known, [step(0, 'session')])).toBe(known)
})

test('a diff is told from other previews', () => {
  expect(diffOf('run with sh:\n--- a\n+++ b')).toBeNull()
  expect(diffOf('--- a\nplain')).toBeNull()
  const lines = diffOf('--- a.md\n+++ a.md\n@@ -1,2 +1,2 @@\n same\n--- gone\n+++ come\n\n\\ No newline at end of file\n')
  expect(lines?.map((line) => line.kind)).toEqual(['file', 'place', 'same', 'removed', 'added', 'same', 'note'])
  expect(lines?.[0]?.text).toBe('a.md')
})

test('long texts are cut at lines and characters, and never inside of one', () => {
  expect(beginningOf('a\nb', 6, 100)).toEqual({ text: 'a\nb', isCut: false })
  expect(beginningOf('a\nb\n', 2, 100)).toEqual({ text: 'a\nb', isCut: false })
  expect(beginningOf('a\nb\nc', 2, 100)).toEqual({ text: 'a\nb', isCut: true })
  expect(beginningOf('ab\u{1f525}c', 2, 3)).toEqual({ text: 'ab', isCut: true })
})

test('a wish has what was filled in, and no more', () => {
  const about: AgentsAbout = { enabled: true, workspaces: ['/a', '/b'], tools: [{ name: 'x', description: '', effect: 'reads' }], sandbox: 'landlock' }
  const form = { ...emptyForm(), goal: '  do it ', workspace: '/gone', hosts: 'example.org' }
  expect(workspaceOf(form, about)).toBe('/a')
  expect(wishOf(form, about)).toEqual({ goal: 'do it', workspace: '/a', scope: 'workspace', approve: 'ask' })
  expect(wishOf({ ...form, workspace: '/b', scope: 'full', hosts: ' a.org,  b.org:8080 ', model: 'm', tools: ['x'], turns: '7', tokens: '-1', minutes: '1.5' }, about)).toEqual({
    goal: 'do it', workspace: '/b', scope: 'full', approve: 'ask', hosts: ['a.org', 'b.org:8080'], model: 'm', tools: ['x'], budget: { turns: 7, seconds: 90 },
  })
  expect(isFilled(form, about)).toBe(true)
  expect(isFilled({ ...form, tools: [] }, about)).toBe(false)
  expect(isFilled({ ...form, goal: ' ' }, about)).toBe(false)
  expect(isFilled(form, { ...about, workspaces: [] })).toBe(false)
})

test('late news of a job that has ended are old', () => {
  const job = (state: Job['state']) => ({ id: 1, state }) as Job
  expect(isNews(undefined, job('running'))).toBe(true)
  expect(isNews(job('asking'), job('running'))).toBe(true)
  expect(isNews(job('done'), job('running'))).toBe(false)
  expect(isNews(job('running'), job('cancelled'))).toBe(true)
})

test('the example of a hook is safe for a shell', () => {
  expect(curlOf('http://127.0.0.1:1', '/v1/agents/hooks/a', "s'x", 'it’s $HOME')).toBe("curl 'http://127.0.0.1:1/v1/agents/hooks/a' \\\n  -H 'Authorization: Bearer s'\\''x' \\\n  --data 'it’s $HOME'")
})
