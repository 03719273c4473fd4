// Turns what is shown into what should be shown by changing only what differs, so that a growing answer does not
// flicker and a selection in it survives.

function sameAttributes(from: Element, to: Element): void {
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name)
  for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value) from.setAttribute(name, value)
}

/** Drawn formulas carry styles that must not be copied as attributes (the policy forbids it), so they move whole. */
const isWhole = (node: Node) => node instanceof Element && node.classList.contains('formula')

export function morph(from: Node, to: Node): void {
  let old = from.firstChild
  let next = to.firstChild
  while (next) {
    const following = next.nextSibling
    if (!old) {
      from.appendChild(next)
    } else {
      const after: ChildNode | null = old.nextSibling
      if (!old.isEqualNode(next)) {
        if (old.nodeName !== next.nodeName || isWhole(old)) from.replaceChild(next, old)
        else if (old instanceof Element) {
          sameAttributes(old, next as Element)
          morph(old, next)
        } else old.nodeValue = next.nodeValue
      }
      old = after
    }
    next = following
  }
  while (old) {
    const after: ChildNode | null = old.nextSibling
    old.remove()
    old = after
  }
}
