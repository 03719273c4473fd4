// Formulas in Markdown: $..$ and \(..\) in a line, $$..$$ and \[..\] in a line or as a block. A dollar sign opens a
// formula only where it cannot be a price: no space after it, none before the closing one, and no digit after that.
import type { MarkdownIt } from 'markdown-it'

type InlineRule = Parameters<MarkdownIt['inline']['ruler']['push']>[1]
type BlockRule = Parameters<MarkdownIt['block']['ruler']['push']>[1]

export interface Formula {
  tex: string
  display: boolean
  /** Where the text goes on. */
  end: number
}

const isSpace = (c: string | undefined) => c === undefined || /\s/.test(c)
const isDigit = (c: string | undefined) => c !== undefined && c >= '0' && c <= '9'

/** How far a formula may reach within a line of text, so that many open marks cost no long time. */
const REACH = 2000

/** The next `mark` that no backslash escapes. */
function find(text: string, mark: string, from: number, before = text.length): number {
  for (let at = text.indexOf(mark, from); at >= 0 && at < before; at = text.indexOf(mark, at + 1)) {
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  return -1
}

function between(text: string, start: number, open: string, close: string, display: boolean): Formula | null {
  const from = start + open.length
  const end = find(text, close, from, from + REACH)
  const tex = end < 0 ? '' : text.slice(from, end).trim()
  return tex === '' ? null : { tex, display, end: end + close.length }
}

function singleDollar(text: string, start: number): Formula | null {
  if (isSpace(text[start + 1]) || isDigit(text[start - 1])) return null
  const before = start + REACH
  for (let end = find(text, '$', start + 1, before); end >= 0; end = find(text, '$', end + 1, before)) {
    if (text[end + 1] === '$') return null
    if (!isSpace(text[end - 1]) && !isDigit(text[end + 1])) return { tex: text.slice(start + 1, end), display: false, end: end + 1 }
  }
  return null
}

/** The formula that begins at `start`, if one does. */
export function formulaAt(text: string, start: number): Formula | null {
  if (text[start] === '\\') {
    if (text[start + 1] === '(') return between(text, start, '\\(', '\\)', false)
    if (text[start + 1] === '[') return between(text, start, '\\[', '\\]', true)
    return null
  }
  if (text[start] !== '$') return null
  if (text[start + 1] === '$') return between(text, start, '$$', '$$', true)
  return singleDollar(text, start)
}

const inlineRule: InlineRule = (state, silent) => {
  const formula = formulaAt(state.src, state.pos)
  if (!formula || formula.end > state.posMax) return false
  if (!silent) {
    const token = state.push('formula', 'span', 0)
    token.content = formula.tex
    token.meta = { display: formula.display }
  }
  state.pos = formula.end
  return true
}

/** A block opens and closes at the ends of lines; an open one runs to the end, as while an answer streams. */
const blockRule: BlockRule = (state, startLine, endLine, silent) => {
  const lineText = (line: number) => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]!).trimEnd()
  const first = lineText(startLine)
  const pair = first.startsWith('$$') ? (['$$', '$$'] as const) : first.startsWith('\\[') ? (['\\[', '\\]'] as const) : null
  if (!pair || state.sCount[startLine]! - state.blkIndent >= 4) return false
  const [open, close] = pair
  const lines: string[] = []
  let line = startLine
  for (; line < endLine; line++) {
    if (line > startLine && state.sCount[line]! < state.blkIndent && !state.isEmpty(line)) return false
    const text = line === startLine ? first.slice(open.length) : lineText(line)
    const end = find(text, close, 0)
    if (end >= 0) {
      if (text.slice(end + close.length).trim() !== '') return false
      lines.push(text.slice(0, end))
      break
    }
    lines.push(text)
  }
  if (lines.join('').trim() === '') return false
  if (silent) return true
  const token = state.push('formula_block', 'div', 0)
  token.block = true
  token.content = lines.join('\n').trim()
  token.map = [startLine, Math.min(line + 1, endLine)]
  state.line = Math.min(line + 1, endLine)
  return true
}

/** Formulas become elements with the source in `data-tex`; enhance.ts draws them. */
export function formulas(md: MarkdownIt): void {
  md.inline.ruler.before('escape', 'formula', inlineRule)
  md.block.ruler.before('fence', 'formula_block', blockRule, { alt: ['paragraph', 'blockquote', 'list'] })
  const html = (tex: string, display: boolean, tag: string) => {
    const safe = md.utils.escapeHtml(tex)
    return `<${tag} class="formula${display ? ' display' : ''}" data-tex="${safe}">${safe}</${tag}>`
  }
  md.renderer.rules.formula = (tokens, i) => html(tokens[i]!.content, tokens[i]!.meta?.display === true, 'span')
  md.renderer.rules.formula_block = (tokens, i) => `${html(tokens[i]!.content, true, 'div')}\n`
}
