// Puts the steps of a session together as a person reads them: each call of an answer with what was decided about it
// and what came of it.
import type { Step, StepCall } from '../api/agents'

export interface Call extends StepCall {
  /** What was decided; null: not yet. */
  ruling: Step | null
  result: Step | null
}

export type Part =
  | { kind: 'answer'; step: Step; calls: Call[] }
  | { kind: 'goal' | 'offer' | 'note' | 'compaction' | 'end' | 'other'; step: Step }

const PLAIN = new Set(['goal', 'offer', 'note', 'compaction', 'end'])

/** The head of the session and its pauses for a person's answer are left out. A ruling or a result without its call stands for itself. */
export function partsOf(steps: readonly Step[]): Part[] {
  const parts: Part[] = []
  const calls = new Map<string, Call>()
  for (const step of steps) {
    const call = step.call === undefined ? undefined : calls.get(step.call)
    if (step.type === 'session' || (step.type === 'end' && step.reason === 'asking')) continue
    if (step.type === 'answer') {
      const mine = (step.calls ?? []).map((c): Call => ({ ...c, ruling: null, result: null }))
      for (const one of mine) calls.set(one.id, one)
      parts.push({ kind: 'answer', step, calls: mine })
    } else if (step.type === 'call' && call) call.ruling = step
    else if (step.type === 'result' && call) call.result = step
    else parts.push({ kind: PLAIN.has(step.type) ? (step.type as 'goal') : 'other', step })
  }
  return parts
}

/** Those that are new, in their order; each once. */
export function withSteps(known: readonly Step[], news: readonly Step[]): readonly Step[] {
  const last = known.at(-1)?.index ?? -1
  const added = news.filter((step) => step.index > last).sort((a, b) => a.index - b.index)
  return added.length > 0 ? [...known, ...added] : known
}

export interface PreviewLine {
  kind: 'file' | 'place' | 'added' | 'removed' | 'same' | 'note'
  text: string
}

/** The lines of a unified diff; null: it is none. */
export function diffOf(preview: string): PreviewLine[] | null {
  const lines = preview.replace(/\n$/, '').split('\n')
  if (!lines[0]?.startsWith('--- ') || !lines[1]?.startsWith('+++ ') || !lines[2]?.startsWith('@@ ')) return null
  const path = lines[1].slice(4)
  // Only the head is one: a line that was taken away may itself begin with dashes.
  const body = lines.slice(2).map((text): PreviewLine => {
    const kind = ({ '@': 'place', '+': 'added', '-': 'removed', '\\': 'note' } as const)[text[0] ?? ' '] ?? 'same'
    return { kind, text }
  })
  return [{ kind: 'file', text: path }, ...body]
}

/** Whether a text is so long that only its beginning is shown at first, and that beginning. */
export function beginningOf(text: string, mostLines: number, mostCharacters: number): { text: string; isCut: boolean } {
  const lines = text.split('\n')
  let part = lines.slice(0, mostLines).join('\n')
  if (part.length > mostCharacters) part = part.slice(0, mostCharacters)
  // Half a character pair is none.
  if (/[\ud800-\udbff]$/.test(part)) part = part.slice(0, -1)
  return { text: part, isCut: part.length < text.trimEnd().length }
}
