// How well examples were predicted, step by step: a chart over steps, drawn as SVG.
import { number } from '../../i18n/format'
import type { Curve } from '../../state/teaching'
import { t } from '../../state/settings'
import { niceTop } from '../status/LineChart'

const WIDTH = 480
const HEIGHT = 130
const PAD = { top: 6, bottom: 2 }
/** More points than this cannot be seen; of more, each is the mean of its neighbours. */
const MOST_POINTS = 400

export interface Point {
  step: number
  value: number
}

export function thinned(points: Point[], most = MOST_POINTS): Point[] {
  const each = Math.ceil(points.length / most)
  if (each <= 1) return points
  const found: Point[] = []
  for (let i = 0; i < points.length; i += each) {
    const group = points.slice(i, i + each)
    found.push({ step: group.at(-1)!.step, value: group.reduce((sum, p) => sum + p.value, 0) / group.length })
  }
  return found
}

export function LossChart({ curve, steps }: { curve: Curve; steps: number }) {
  const words = t.value.teach
  const loss = curve.steps.map((step, i) => ({ step, value: curve.loss[i]! }))
  const validation = loss.map(({ step }, i) => ({ step, value: curve.validation[i] })).filter((p): p is Point => p.value != null)
  const top = niceTop(Math.max(...curve.loss, ...validation.map((p) => p.value)))
  const end = Math.max(steps, curve.steps.at(-1)!, 1)
  const x = (step: number) => (WIDTH * step) / end
  const y = (value: number) => HEIGHT - PAD.bottom - (value / top) * (HEIGHT - PAD.bottom - PAD.top)
  const path = (points: Point[]) => {
    const all = points.length === 1 ? [points[0]!, { ...points[0]!, step: points[0]!.step + end / 100 }] : points
    return all.map((p, i) => `${i ? 'L' : 'M'}${x(p.step).toFixed(1)} ${y(p.value).toFixed(1)}`).join('')
  }
  const lines = [
    { name: words.loss, tone: 1, points: loss },
    { name: words.validation, tone: 2, points: validation },
  ].filter((line) => line.points.length > 0)
  const now = lines.map((line) => t.value.status.nowValue(line.name, number(line.points.at(-1)!.value, 3))).join(', ')
  return (
    <figure class="loss">
      <figcaption>
        <ul class="legend">
          {lines.map((line) => (
            <li key={line.name} class={`tone-${line.tone}`}>
              <i aria-hidden="true" />
              {line.name}
              <strong>{number(line.points.at(-1)!.value, 3)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="chart-plot">
        <span class="chart-top" aria-hidden="true">{number(top, 2)}</span>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words.chartLabel(now)}>
          {[0, 0.5, 1].map((share) => <line key={share} class="chart-grid" x1="0" x2={WIDTH} y1={y(top * share)} y2={y(top * share)} />)}
          {lines.map((line) => <path key={line.name} class={`chart-line tone-${line.tone}`} d={path(thinned(line.points))} />)}
        </svg>
        <div class="chart-axis" aria-hidden="true">
          <span>0</span>
          <span>{words.steps(number(end))}</span>
        </div>
      </div>
    </figure>
  )
}
