// Markdown to HTML, safely: raw HTML in an answer is shown as text, links lead to the web or to mail only, pictures
// become links (nothing is loaded), and what comes out is sanitised once more.
import DOMPurify from 'dompurify'
import MarkdownIt, { type Env } from 'markdown-it'
import { formulas } from './formulas'

const md = new MarkdownIt({ html: false, linkify: true, typographer: false, breaks: false })
md.use(formulas)
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false })
md.validateLink = (url: string) => /^(https?:|mailto:|#)/i.test(url.trim())

const { rules } = md.renderer

// Answers stand below the page's own headings (title and speaker); levelHeadings says how deep.
rules.heading_open = (tokens, i) => `<h3 class="level-${tokens[i]!.tag[1]}">`
rules.heading_close = () => '</h3>\n'

rules.image = (tokens, i) => {
  const source = String(tokens[i]!.attrGet('src') ?? '')
  const label = md.utils.escapeHtml(tokens[i]!.content || source)
  return `<a class="picture" href="${md.utils.escapeHtml(source)}">${label}</a>`
}

// A class instead of a style attribute, which the content security policy forbids.
for (const cell of ['th_open', 'td_open']) {
  rules[cell] = (tokens, i) => {
    const align = /text-align:(\w+)/.exec(String(tokens[i]!.attrGet('style') ?? ''))?.[1]
    return align ? `<${tokens[i]!.tag} class="align-${align}">` : `<${tokens[i]!.tag}>`
  }
}

// Task lists.
md.core.ruler.push('tasks', (state) => {
  state.tokens.forEach((token, i) => {
    const first = token.type === 'inline' && state.tokens[i - 2]?.type === 'list_item_open' ? token.children?.[0] : undefined
    if (first) first.content = first.content.replace(/^\[( |x|X)\]\s/, (_, mark: string) => (mark === ' ' ? '☐ ' : '☑ '))
  })
})

const ALLOWED_TAGS = [
  'a', 'blockquote', 'br', 'code', 'div', 'em', 'h3', 'hr', 'li', 'ol', 'p', 'pre', 's', 'span',
  'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
]
const ALLOWED_ATTR = ['href', 'class', 'start', 'data-tex', 'title']

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.nodeName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer nofollow')
})

/** Cuts Markdown into its top-level blocks; put together again they are the text. */
export function splitBlocks(text: string, environment: Env = {}): string[] {
  const starts: number[] = []
  for (const token of md.parse(text, environment)) {
    if (token.level === 0 && token.nesting >= 0 && token.map) starts.push(token.map[0])
  }
  if (starts.length === 0) return text.trim() === '' ? [] : [text]
  const lines = text.split('\n')
  return starts.map((start, i) => lines.slice(i === 0 ? 0 : start, starts[i + 1] ?? lines.length).join('\n') + (starts[i + 1] === undefined ? '' : '\n'))
}

export function renderBlock(source: string, environment: Env = {}): DocumentFragment {
  const html = md.render(source, { references: environment.references ?? {} })
  return DOMPurify.sanitize(html, { ALLOWED_TAGS, ALLOWED_ATTR, ALLOW_DATA_ATTR: false, RETURN_DOM_FRAGMENT: true })
}

/**
 * The blocks of a text that grows. Only the last two blocks can still change (a list may go on after a blank line), so
 * only they are parsed again; the end of the text parses it once as a whole.
 */
export class BlockStream {
  private settled: string[] = []
  private length = 0
  environment: Env = {}

  update(text: string, complete: boolean): string[] {
    if (complete) {
      this.environment = {}
      return splitBlocks(text, this.environment)
    }
    const open = splitBlocks(text.slice(this.length), this.environment)
    while (open.length > 2) {
      const block = open.shift()!
      this.settled.push(block)
      this.length += block.length
    }
    return [...this.settled, ...open]
  }
}
