// Makes the end of a text that is still coming look as it will when more has come: what was opened is closed, and what
// is not yet clear is held back, so that nothing jumps from one shape to another.

const FENCE = /^ {0,3}(`{3,}|~{3,})/

function openFence(lines: string[]): boolean {
  let mark = ''
  for (const line of lines) {
    const found = FENCE.exec(line)?.[1]
    if (!found) continue
    if (mark === '') mark = found
    else if (found[0] === mark[0] && found.length >= mark.length && line.trim() === found) mark = ''
  }
  return mark !== ''
}

/** A last line that may become a heading's underline, a rule, a list mark, a fence or the line below a table's head. */
const UNCLEAR_LINE = /^\s*([-=*_+~`#>|:$]{1,3}|[-|: ]+|\d+[.)]?)\s*$/

function count(text: string, mark: RegExp): number {
  return text.match(mark)?.length ?? 0
}

/** `text` is the last block. */
export function settle(text: string): string {
  const lines = text.split('\n')
  if (openFence(lines)) {
    // The closing fence arrives in pieces.
    return /^ {0,3}(`{1,2}|~{1,2})$/.test(lines.at(-1)!) ? lines.slice(0, -1).join('\n') : text
  }
  if (lines.length > 0 && UNCLEAR_LINE.test(lines.at(-1)!)) lines.pop()
  let end = lines.join('\n')
  // A link or picture whose address is still coming shows its text.
  end = end.replace(/!?\[([^\]\n]*)\]\([^)\n]*$/, '$1').replace(/!?\[([^\]\n]*)$/, '$1')
  const paragraph = end.slice(end.lastIndexOf('\n\n') + 1)
  const withoutCode = paragraph.replace(/`[^`\n]*`/g, '')
  if (count(withoutCode, /`/g) % 2 === 1) return end.endsWith('`') ? end.slice(0, -1) : `${end}\``
  const plain = withoutCode.replace(/\\./g, '')
  // A formula is shown when it is complete; an open one would show its source and then jump.
  const dollars = plain.replace(/\$\$[^$]*\$\$/g, '').indexOf('$$')
  if (dollars >= 0) return end.slice(0, end.lastIndexOf('$$'))
  const openRound = end.lastIndexOf('\\(')
  if (openRound >= 0 && end.indexOf('\\)', openRound) < 0) return end.slice(0, openRound)
  const openSquare = end.lastIndexOf('\\[')
  if (openSquare >= 0 && end.indexOf('\\]', openSquare) < 0) return end.slice(0, openSquare)
  if (count(plain, /\*\*/g) % 2 === 1) return end.endsWith('**') ? end.slice(0, -2) : `${end.trimEnd()}**`
  if (count(plain, /~~/g) % 2 === 1) return end.endsWith('~~') ? end.slice(0, -2) : `${end.trimEnd()}~~`
  return end
}
