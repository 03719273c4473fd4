import { describe, expect, it } from 'vitest'
import { formulaAt } from '../src/markdown/formulas'
import { BlockStream, renderBlock, splitBlocks } from '../src/markdown/markdown'
import { plainText } from '../src/markdown/plain'
import { settle } from '../src/markdown/settle'

function html(markdown: string): string {
  const box = document.createElement('div')
  for (const block of splitBlocks(markdown)) box.append(renderBlock(block))
  return box.innerHTML.replace(/\n/g, '')
}

const texOf = (markdown: string) => {
  const box = document.createElement('div')
  for (const block of splitBlocks(markdown)) box.append(renderBlock(block))
  return [...box.querySelectorAll<HTMLElement>('[data-tex]')].map((node) => `${node.classList.contains('display') ? 'D' : 'I'}:${node.dataset.tex}`)
}

describe('formulas', () => {
  it.each([
    ['a $x^2$ b', ['I:x^2']],
    ['\\(a+b\\) and \\[c\\]', ['I:a+b', 'D:c']],
    ['in line $$x$$ too', ['D:x']],
    ['$$\nx\n= y\n$$', ['D:x\n= y']],
    ['\\[\nx\n\\]\nafter', ['D:x']],
    ['- item\n\n  $$\n  y\n  $$', ['D:y']],
    ['> $$z$$', ['D:z']],
    ['$a$-th, ($b$), $c$.', ['I:a', 'I:b', 'I:c']],
    ['$\\text{a \\$5}$', ['I:\\text{a \\$5}']],
    ['$x_1$ * $x_2$', ['I:x_1', 'I:x_2']],
  ])('finds those in %j', (markdown, expected) => expect(texOf(markdown)).toEqual(expected))

  it.each(['costs $5 and $10', '$ x$', 'a \\$x\\$ b', '`$x$`', '```\n$$x$$\n```', '$x', '$$', '\\(x', 'US$5 or CA$6'])(
    'finds none in %j',
    (markdown) => expect(texOf(markdown)).toEqual([]),
  )

  it('keeps emphasis and escapes inside a formula as they are', () => {
    expect(formulaAt('$a * b * c$', 0)).toEqual({ tex: 'a * b * c', display: false, end: 11 })
    expect(texOf('$a_{*} \\{x\\} _b_$')).toEqual(['I:a_{*} \\{x\\} _b_'])
  })

  it('needs no long time for many open marks', { timeout: 20_000 }, () => {
    const began = performance.now()
    splitBlocks('$a '.repeat(5000) + '\\( '.repeat(5000))
    // Quadratic search takes more than a minute for this.
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

describe('safety', () => {
  it('shows raw HTML as text and refuses addresses that run code', () => {
    const out = html('<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [b](data:text/html,x) [c](https://example.org)')
    expect(out).not.toMatch(/<script|<img|href="javascript|href="data/)
    expect(out).toContain('href="https://example.org"')
    expect(out).toContain('rel="noopener noreferrer nofollow"')
  })

  it('loads no pictures', () => {
    expect(html('![a floor](https://example.org/f.png)')).toBe(
      '<p><a class="picture" href="https://example.org/f.png" target="_blank" rel="noopener noreferrer nofollow">a floor</a></p>',
    )
  })

  it('uses no style attributes', () => {
    expect(html('|a|\n|-:|\n|1|')).toContain('<td class="align-right">1</td>')
  })
})

describe('blocks', () => {
  const text = '# Title\n\nOne\ntwo\n\n- a\n\n- b\n\n```js\nx\n\ny\n```\n| a |\n|---|\n| 1 |\n\n> q\n\nend [l]\n\n[l]: https://example.org\n'

  it('put together are the text', () => {
    expect(splitBlocks(text).join('')).toBe(text)
    expect(splitBlocks('\n\n')).toEqual([])
  })

  it('of a growing text end as those of the whole text, and settled ones never change', () => {
    const stream = new BlockStream()
    let before: string[] = []
    for (let end = 1; end < text.length; end++) {
      const blocks = stream.update(text.slice(0, end), false)
      expect(blocks.join('')).toBe(text.slice(0, end).trim() === '' ? '' : text.slice(0, end))
      for (let i = 0; i < before.length - 2; i++) expect(blocks[i]).toBe(before[i])
      before = blocks
    }
    expect(stream.update(text, true)).toEqual(splitBlocks(text))
    expect(Object.keys(stream.environment.references ?? {})).toEqual(['L'])
  })
})

describe('settle', () => {
  it.each([
    ['some **bold te', 'some **bold te**'],
    ['some **', 'some '],
    ['a `code', 'a `code`'],
    ['see [the page](https://exa', 'see the page'],
    ['see [the pa', 'see the pa'],
    ['text\n-', 'text'],
    ['text\n==', 'text'],
    ['| a | b |\n|--', '| a | b |'],
    ['```js\nlet x = 1\n``', '```js\nlet x = 1'],
    ['```js\nlet **x', '```js\nlet **x'],
    ['so $$\\frac{1', 'so '],
    ['so \\(x + ', 'so '],
    ['done **b** and `c` and $x$', 'done **b** and `c` and $x$'],
  ])('of %j is %j', (text, expected) => expect(settle(text)).toBe(expected))
})

describe('plainText', () => {
  it('drops marks and code', () => {
    expect(plainText('## A *b*\n\n- [c](https://d)\n\n```js\nx\n```\n\n`e`')).toBe('A b c e')
  })
})
