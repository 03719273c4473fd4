// Where passages lie in a document's text, and which of its words a question has. Pure functions.

/** Characters of a string. */
export interface Span {
  start: number
  end: number
}

/** The characters at which bytes of the UTF-8 text lie, which ascend; null: there is none. */
export function charactersAt(text: string, bytes: number[]): (number | null)[] {
  const found: (number | null)[] = []
  let at = 0
  for (let i = 0; i <= text.length && found.length < bytes.length; i++) {
    while (found.length < bytes.length && at >= bytes[found.length]!) found.push(at === bytes[found.length] ? i : null)
    const unit = text.charCodeAt(i)
    const isPair = unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length
    at += unit < 0x80 ? 1 : unit < 0x800 ? 2 : isPair ? 4 : 3
    if (isPair) i++
  }
  while (found.length < bytes.length) found.push(null)
  return found
}

/** Text with every run of white space as one space, and where each character came from. */
function collapsed(text: string): { text: string; from: number[] } {
  const parts: string[] = []
  const from: number[] = []
  let wasSpace = true
  for (let i = 0; i < text.length; i++) {
    const isSpace = /\s/.test(text[i]!)
    if (isSpace && wasSpace) continue
    parts.push(isSpace ? ' ' : text[i]!)
    from.push(i)
    wasSpace = isSpace
  }
  return { text: parts.join(''), from }
}

/** More text than this is not searched for a passage whose spaces differ. */
const MOST_COLLAPSED = 4_000_000

/** A passage in a text: where it should be, if it stands there, or else where it stands. */
export function locate(text: string, quote: string, bytes?: Span): Span | null {
  if (quote.trim() === '') return null
  let near = 0
  if (bytes) {
    const [start = null, end = null] = charactersAt(text, [bytes.start, bytes.end])
    if (start !== null && end !== null && text.slice(start, end) === quote) return { start, end }
    near = start ?? 0
  }
  const exact = text.indexOf(quote, near)
  const start = exact >= 0 ? exact : text.indexOf(quote)
  if (start >= 0) return { start, end: start + quote.length }
  if (text.length > MOST_COLLAPSED) return null
  const flat = collapsed(text)
  const wanted = collapsed(quote).text.trim()
  const found = flat.text.indexOf(wanted)
  return found < 0 ? null : { start: flat.from[found]!, end: flat.from[found + wanted.length - 1]! + 1 }
}

/** At most about `most` characters around a span, from the beginning of a line to the end of one where lines are short. */
export function windowAround(text: string, span: Span | null, most: number): Span {
  const middle = span ?? { start: 0, end: 0 }
  const spare = Math.max(0, most - (middle.end - middle.start))
  let start = Math.max(0, middle.start - Math.floor(spare / 2))
  let end = Math.min(text.length, Math.max(middle.end, start + most))
  if (start > 0) {
    const line = text.indexOf('\n', start)
    if (line >= 0 && line < middle.start && line < start + 1000) start = line + 1
  }
  if (end < text.length) {
    const line = text.lastIndexOf('\n', end)
    if (line > middle.end && line > end - 1000) end = line
  }
  return { start, end }
}

const COMMON = new Set('a an and are as at be been but by can could did do does for from had has have how if in into is it its may of on or shall should so than that the their them then there these they this those to was were what when where which who whom whose why will with would you your'.split(' '))
const HANGUL = /^[\uac00-\ud7a3]+$/

/** A word as it may stand in a text: with other endings. */
function forms(word: string): string[] {
  const escaped = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  if (HANGUL.test(word)) {
    const stems = [word]
    for (let cut = 1; cut <= 2 && word.length - cut >= 2; cut++) stems.push(word.slice(0, -cut))
    return stems
  }
  if (!/^[\p{Script=Latin}\p{M}]+$/u.test(word)) return [escaped(word)]
  const stem = word.length > 4 ? word.replace(/(ies|ing|es|ed|s|y|e)$/, '') : word
  return [`(?<![\\p{L}\\p{N}])${escaped(stem.length > 2 ? stem : word)}${word.length > 3 ? '\\p{L}{0,4}' : ''}(?![\\p{L}\\p{N}])`]
}

/** The text in pieces, those marked that are words of the question. */
export function marked(text: string, query: string): { text: string; isHit: boolean }[] {
  const plain = text.normalize('NFC')
  const words = [...new Set(query.normalize('NFC').toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [])]
  const telling = words.filter((word) => !COMMON.has(word) && (word.length > 1 || /\p{N}/u.test(word)))
  const wanted = (telling.length > 0 ? telling : words).slice(0, 32).flatMap(forms).sort((a, b) => b.length - a.length)
  if (wanted.length === 0) return [{ text: plain, isHit: false }]
  const pieces: { text: string; isHit: boolean }[] = []
  let end = 0
  for (const match of plain.matchAll(new RegExp(wanted.join('|'), 'giu'))) {
    if (match[0] === '') continue
    if (match.index > end) pieces.push({ text: plain.slice(end, match.index), isHit: false })
    pieces.push({ text: match[0], isHit: true })
    end = match.index + match[0].length
  }
  if (end < plain.length) pieces.push({ text: plain.slice(end), isHit: false })
  return pieces
}

/** About `most` characters of a marked text that begin not long before its first hit. */
export function excerpt(pieces: { text: string; isHit: boolean }[], before: number, most: number): { text: string; isHit: boolean }[] {
  const first = pieces.findIndex((piece) => piece.isHit)
  const shown: { text: string; isHit: boolean }[] = []
  let left = most
  for (const [i, piece] of pieces.entries()) {
    const isLead = i < first && i === 0
    const { text } = isLead && piece.text.length > before ? { text: `…${piece.text.slice(-before)}` } : piece
    if (text.length > left) {
      shown.push({ text: `${text.slice(0, left)}…`, isHit: piece.isHit })
      break
    }
    shown.push({ text, isHit: piece.isHit })
    left -= text.length
  }
  return shown
}
