// The stand-in's answers. Words in the question choose one: "slow", "break", "reason", "tool", "code", "long" ...
import { ENGLISH, KOREAN, RICH } from './texts.mjs'

/** Pieces of about the size of tokens. */
const pieces = (text) => (text.match(/\s*\S{1,6}/g) ?? []).map((content) => ({ content }))

const isKorean = (text) => /[\uac00-\ud7a3]/.test(text)

function ordinary(question) {
  if (/rich|markdown|마크다운/i.test(question)) return RICH
  if (/code|python|파이썬/i.test(question)) return '```python\ndef merge(intervals):\n    """Merges overlapping intervals."""\n    merged = []\n    for start, end in sorted(intervals):\n        if merged and start <= merged[-1][1]:\n            merged[-1][1] = max(merged[-1][1], end)\n        else:\n            merged.append([start, end])\n    return merged\n```\n\nIt sorts first, so that each interval can only overlap the last one.'
  return isKorean(question) ? KOREAN : ENGLISH
}

/** A plan: how long it waits, its pieces and their pace, how it ends; or the error it gives instead. */
export function planAnswer(body, last, question) {
  if (/too long for you/.test(question)) return { error: { status: 400, message: 'The prompt has 9,000 tokens; the context of this model has 8,192.', code: 'context_length_exceeded' } }
  if (/server is busy/.test(question)) return { error: { status: 503, message: '1,024 requests are waiting already.', code: 'overloaded' } }
  const lastMessage = body.messages.at(-1)
  if (lastMessage.role === 'tool') return { pieces: pieces(`The tool says: ${last}.`), everyMs: 5 }
  if (body.continue_final_message) return { pieces: pieces(' And this is the rest of it.'), everyMs: 5 }
  if (/use a tool|도구를/.test(question)) return toolPlan()
  if (/break off|연결/.test(question)) return { pieces: [...pieces('This much arrived before the connection'), 'BREAK'], everyMs: 5 }
  if (/fail inside/.test(question)) return { pieces: [...pieces('So far so good'), { error: { message: 'The engine ran out of memory.', type: 'server_error', code: 'out_of_memory' } }], everyMs: 5 }
  if (/cut short/.test(question) || body.max_tokens === 3) return { pieces: pieces('One two three'), finish: 'length', everyMs: 5 }
  if (/reason|생각/.test(question) && body.reasoning_effort !== 'none') {
    const thoughts = pieces('The person wants a reason. First I look at **what is known**.\n\nThen I decide.').map(({ content }) => ({ reasoning_content: content }))
    return { pieces: [...thoughts, ...pieces(ordinary(question))], everyMs: 12 }
  }
  if (/slowly|천천히/.test(question)) return { pieces: pieces(ENGLISH.repeat(8)), everyMs: 40 }
  if (/wait a while/.test(question)) return { waitMs: 1500, pieces: pieces(ENGLISH), everyMs: 1 }
  if (/say nothing/.test(question)) return { pieces: [] }
  if (/hurry/.test(question)) return { pieces: pieces(RICH), everyMs: 0 }
  return { pieces: pieces(ordinary(question)), everyMs: 6 }
}

function toolPlan() {
  const call = (part) => ({ tool_calls: [{ index: 0, ...part }] })
  return {
    finish: 'tool_calls',
    everyMs: 10,
    pieces: [
      ...pieces('I look it up.'),
      call({ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }),
      call({ function: { arguments: '{"city": ' } }),
      call({ function: { arguments: '"Seoul"}' } }),
    ],
  }
}
