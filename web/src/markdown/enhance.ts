// What is done to a rendered block before it is shown: code gets its head and colours, formulas are drawn, tables and
// code can be scrolled with the keyboard.
import { t } from '../state/settings'
import { formulasIfLoaded, highlightIfLoaded } from './lazy'

const MAX_HIGHLIGHTED = 100_000

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text) made.textContent = text
  return made
}

function scrollable(node: HTMLElement, label: string): void {
  node.tabIndex = 0
  node.setAttribute('role', 'group')
  node.setAttribute('aria-label', label)
}

function enhanceCode(pre: HTMLElement): void {
  const code = pre.querySelector('code')
  if (!code) return
  const language = /language-([\w+#.-]+)/.exec(code.className)?.[1]?.toLowerCase() ?? ''
  const source = code.textContent ?? ''
  if (language && source.length < MAX_HIGHLIGHTED) {
    const html = highlightIfLoaded()?.(source, language)
    if (html) code.innerHTML = html
  }
  const box = element('div', 'code')
  const head = element('div', 'code-head')
  const copy = element('button', 'code-copy', t.value.chat.copy)
  copy.type = 'button'
  copy.setAttribute('aria-label', t.value.chat.copyCode)
  head.append(element('span', 'code-language', language), copy)
  pre.replaceWith(box)
  scrollable(pre, language ? t.value.chat.codeIn(language) : t.value.chat.code)
  box.append(head, pre)
}

const drawn = new Map<string, HTMLElement>()
const MAX_DRAWN = 500

function enhanceFormula(node: HTMLElement): void {
  const draw = formulasIfLoaded()
  const tex = node.dataset.tex ?? ''
  if (!draw) return
  const display = node.classList.contains('display')
  const key = `${display}${tex}`
  let finished = drawn.get(key)
  if (!finished) {
    finished = element('span', '')
    try {
      draw(tex, finished, display)
    } catch {
      finished = element('code', 'formula-source', tex)
    }
    if (drawn.size > MAX_DRAWN) drawn.clear()
    drawn.set(key, finished)
  }
  node.replaceChildren(...[...finished.cloneNode(true).childNodes])
  if (finished.nodeName === 'CODE') node.classList.add('failed')
  if (display) scrollable(node, t.value.chat.formula)
}

/** Gives headings the levels that readers of the page expect: none is skipped, whatever the model wrote. */
export function levelHeadings(answer: HTMLElement): void {
  const open: number[] = []
  for (const heading of answer.querySelectorAll<HTMLElement>('h3[class^=level-]')) {
    const level = Number(heading.className.slice('level-'.length))
    while (open.length && open.at(-1)! >= level) open.pop()
    open.push(level)
    heading.setAttribute('aria-level', String(2 + open.length))
  }
}

export function enhance(fragment: DocumentFragment): void {
  fragment.querySelectorAll<HTMLElement>('pre').forEach(enhanceCode)
  fragment.querySelectorAll<HTMLElement>('.formula').forEach(enhanceFormula)
  fragment.querySelectorAll('table').forEach((table) => {
    const box = element('div', 'table')
    table.replaceWith(box)
    box.append(table)
    scrollable(box, t.value.chat.table)
  })
}
