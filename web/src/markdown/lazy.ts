// Highlighting and formulas are loaded when an answer first needs them; `loaded` tells views to draw again.
import { signal } from '@preact/signals'

type Highlight = (code: string, language: string) => string | null
type DrawFormula = (tex: string, into: HTMLElement, display: boolean) => void

export const loaded = signal(0)

let highlighter: Highlight | null = null
let drawer: DrawFormula | null = null
const asked = new Set<string>()

function once(name: string, load: () => Promise<void>): void {
  if (asked.has(name)) return
  asked.add(name)
  load().then(
    () => loaded.value++,
    () => asked.delete(name),
  )
}

export function highlightIfLoaded(): Highlight | null {
  if (!highlighter) once('highlight', async () => void (highlighter = (await import('./languages')).highlight))
  return highlighter
}

export function formulasIfLoaded(): DrawFormula | null {
  if (!drawer) once('formulas', async () => void (drawer = (await import('./draw-formula')).drawFormula))
  return drawer
}
