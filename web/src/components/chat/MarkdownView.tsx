// Markdown that may still be growing: blocks that did not change are not touched.
import { useLayoutEffect, useRef } from 'preact/hooks'
import { enhance, levelHeadings } from '../../markdown/enhance'
import { loaded } from '../../markdown/lazy'
import { BlockStream, renderBlock } from '../../markdown/markdown'
import { morph } from '../../markdown/morph'
import { settle } from '../../markdown/settle'
import { showToast } from '../../state/interface'
import { t } from '../../state/settings'

class BlockView {
  private readonly stream = new BlockStream()
  private shown: string[] = []
  private stamp = ''

  render(box: HTMLElement, text: string, complete: boolean, stamp: string): void {
    const blocks = this.stream.update(text.replace(/\r\n?/g, '\n'), complete)
    if (!complete && blocks.length) blocks.push(settle(blocks.pop()!))
    const { environment } = this.stream
    // Links may be defined in another block than they are used in.
    const anew = stamp !== this.stamp || (complete && Object.keys(environment.references ?? {}).length > 0)
    blocks.forEach((source, i) => {
      if (!anew && this.shown[i] === source) return
      const fragment = renderBlock(source, environment)
      enhance(fragment)
      let node = box.children[i]
      if (!node) {
        node = document.createElement('div')
        node.className = 'block'
        box.append(node)
      }
      morph(node, fragment)
    })
    while (box.children.length > blocks.length) box.lastElementChild!.remove()
    levelHeadings(box)
    this.shown = blocks
    this.stamp = stamp
  }
}

async function copyCode(event: MouseEvent): Promise<void> {
  const button = event.target instanceof Element ? event.target.closest('.code-copy') : null
  const code = button?.closest('.code')?.querySelector('code')
  if (button && code) await copyText(code.textContent ?? '', button)
}

/** Says so on the button, or in a toast when the browser forbids it. */
export async function copyText(text: string, button?: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    showToast(t.value.chat.copyFailed, { kind: 'error' })
    return false
  }
  if (button) {
    button.textContent = t.value.chat.copied
    window.setTimeout(() => (button.textContent = t.value.chat.copy), 1500)
  }
  return true
}

export function MarkdownView({ text, streaming = false }: { text: string; streaming?: boolean }) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<BlockView | null>(null)
  const stamp = `${loaded.value} ${t.value.chat.copy}`
  useLayoutEffect(() => {
    view.current ??= new BlockView()
    view.current.render(box.current!, text, !streaming, stamp)
  }, [text, streaming, stamp])
  return <div class={`markdown${streaming ? ' streaming' : ''}`} ref={box} onClick={(event) => void copyCode(event)} />
}
