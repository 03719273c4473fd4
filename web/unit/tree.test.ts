import { describe, expect, it } from 'vitest'
import { chatRequest, parseTools, wireMessages } from '../src/state/request'
import {
  addMessage, chooseSibling, pathOf, pathTo, removeMessage, reveal, siblingsOf, type Conversation, type Message,
} from '../src/state/tree'

const empty: Conversation = {
  id: 'c', title: '', created: 0, updated: 0, model: 'm', system: '', tools: '', messages: {}, chosen: {},
}
let clock = 0
const message = (id: string, parent: string | null, role: Message['role'] = 'user'): Message => ({
  id, parent, role, content: `text ${id}`, created: ++clock,
})

/** q1 - a1 - q2 - a2, then another answer a1b to q1 with a question q3, then an edited first question q1b. */
function sample(): Conversation {
  const steps: [string, string | null, Message['role']][] = [
    ['q1', null, 'user'], ['a1', 'q1', 'assistant'], ['q2', 'a1', 'user'], ['a2', 'q2', 'assistant'],
    ['a1b', 'q1', 'assistant'], ['q3', 'a1b', 'user'], ['q1b', null, 'user'],
  ]
  return steps.reduce((c, [id, parent, role]) => addMessage(c, message(id, parent, role)), empty)
}

const ids = (c: Conversation) => pathOf(c).map((m) => m.id)

describe('the tree of a conversation', () => {
  it('shows the branch that was added last', () => {
    expect(ids(sample())).toEqual(['q1b'])
  })

  it('moves between siblings and remembers what was shown below each', () => {
    const first = chooseSibling(sample(), 'q1b', -1)
    expect(ids(first)).toEqual(['q1', 'a1b', 'q3'])
    const older = chooseSibling(first, 'a1b', -1)
    expect(ids(older)).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(siblingsOf(older, 'a1')).toEqual({ index: 0, ids: ['a1', 'a1b'] })
    expect(ids(chooseSibling(chooseSibling(older, 'q1', 1), 'q1b', -1))).toEqual(['q1', 'a1', 'q2', 'a2'])
  })

  it('stays where it is at either end and for unknown messages', () => {
    const c = sample()
    expect(chooseSibling(c, 'q1b', 1)).toBe(c)
    expect(chooseSibling(c, 'nobody', 1)).toBe(c)
  })

  it('finds the way to a message that is not shown, and shows it', () => {
    expect(pathTo(sample(), 'a2').map((m) => m.id)).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(ids(reveal(sample(), 'q2'))).toEqual(['q1', 'a1', 'q2', 'a2'])
  })

  it('removes a message with all that hangs on it, and shows a sibling instead', () => {
    const c = removeMessage(reveal(sample(), 'q3'), 'a1b')
    expect(ids(c)).toEqual(['q1', 'a1', 'q2', 'a2'])
    expect(Object.keys(c.messages)).not.toContain('q3')
  })

  it('ends where imported messages form a circle', () => {
    const circle = { ...empty, messages: { a: message('a', 'b'), b: message('b', 'a') }, chosen: { '': 'a', a: 'b', b: 'a' } }
    expect(pathOf(circle)).toEqual([])
    expect(pathTo(circle, 'a')).toHaveLength(2)
  })
})

describe('a request', () => {
  it('holds the branch alone, files as parts, tool results after their calls, and no answer that failed', () => {
    const path: Message[] = [
      { ...message('1', null), attachments: [{ name: 'a.md', text: 'x\n```\ny\n```\n' }] },
      { ...message('2', '1', 'assistant'), reasoning: 'hm', toolCalls: [{ id: 't', name: 'f', arguments: '{}', result: '42' }] },
      { ...message('3', '2', 'assistant'), content: '', status: 'error' },
    ]
    expect(wireMessages('Be kind.', path)).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text', text: 'File: a.md\n````\nx\n```\ny\n```\n````\n\n' }, { type: 'text', text: 'text 1' }] },
      { role: 'assistant', content: 'text 2', reasoning_content: 'hm', tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 't', content: '42' },
    ])
  })

  it('takes tools with or without their envelope and refuses everything else', () => {
    expect(parseTools('[{"name":"f"},{"type":"function","function":{"name":"g"}}]')).toEqual([
      { type: 'function', function: { name: 'f' } },
      { type: 'function', function: { name: 'g' } },
    ])
    for (const bad of ['{', '{}', '[1]', '[{}]', '[null]']) expect(parseTools(bad)).toBeNull()
    expect(chatRequest('m', { ...empty, tools: 'broken' }, [], {}).tools).toBeUndefined()
  })
})
