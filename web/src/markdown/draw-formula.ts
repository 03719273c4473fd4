// Formulas as MathML, drawn by the browser itself. Loaded with the first formula.
import temml from 'temml'

export function drawFormula(tex: string, into: HTMLElement, display: boolean): void {
  temml.render(tex, into, { displayMode: display, annotate: true, throwOnError: true, trust: false, maxExpand: 500, maxSize: [40, 40] })
}
