// A small line chart over time, drawn as SVG. Colours come from classes, values from below the pointer.
import { useRef, useState } from 'preact/hooks'
import { duration } from '../../i18n/format'
import { t } from '../../state/settings'

export interface Series {
  name: string
  /** Which of the page's chart colours, 1 to 3. */
  tone: 1 | 2 | 3
  values: (number | null)[]
  area?: boolean
}

interface Props {
  title: string
  times: number[]
  series: Series[]
  format: (value: number) => string
  /** The upper end of the axis, where it is known. */
  top?: number | null
  formatTop?: (value: number) => string
}

const WIDTH = 480
const HEIGHT = 130
const PAD = { top: 6, bottom: 2 }
const BASE = HEIGHT - PAD.bottom
/** The width of the chart grows with what is known. */
const SPAN_MS = { least: 60_000, most: 300_000 }

/** The next of 1, 2, 5 times a power of ten. */
export function niceTop(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const step = [1, 2, 5, 10].find((s) => value <= s * power * 1.0001) ?? 10
  return step * power
}

interface Point {
  x: number
  y: number
}

/** Pieces of a line; a missing value ends one. */
export function pieces(points: (Point | null)[]): Point[][] {
  const found: Point[][] = [[]]
  for (const point of points) {
    if (point) found.at(-1)!.push(point)
    else if (found.at(-1)!.length) found.push([])
  }
  return found.filter((piece) => piece.length > 0)
}

const path = (piece: Point[]) => piece.map(({ x, y }, i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
const area = (piece: Point[]) => `${path(piece)}L${piece.at(-1)!.x.toFixed(1)} ${BASE}L${piece[0]!.x.toFixed(1)} ${BASE}Z`

function Line({ series, at }: { series: Series; at: (value: number | null, i: number) => Point | null }) {
  const parts = pieces(series.values.map(at))
  return (
    <g class={`tone-${series.tone}`}>
      {series.area && parts.map((piece, i) => <path key={`a${i}`} class="chart-area" d={area(piece)} />)}
      {parts.map((piece, i) => <path key={i} class="chart-line" d={path(piece.length > 1 ? piece : [piece[0]!, { ...piece[0]!, x: piece[0]!.x + 2 }])} />)}
    </g>
  )
}

function Legend({ series, index, format }: { series: Series[]; index: number; format: Props['format'] }) {
  return (
    <ul class="legend">
      {series.map((s) => {
        const value = s.values[index]
        return (
          <li key={s.name} class={`tone-${s.tone}`}>
            <i aria-hidden="true" />
            {s.name}
            <strong>{value == null ? '–' : format(value)}</strong>
          </li>
        )
      })}
    </ul>
  )
}

export function LineChart({ title, times, series, format, top: fixedTop, formatTop = format }: Props) {
  const [hovered, setHovered] = useState<number | null>(null)
  const svg = useRef<SVGSVGElement>(null)
  const end = times.at(-1) ?? 0
  const spanMs = Math.min(SPAN_MS.most, Math.max(SPAN_MS.least, end - (times[0] ?? end)))
  const highest = Math.max(0, ...series.flatMap((s) => s.values.map((v) => v ?? 0)))
  const top = fixedTop && fixedTop > 0 ? fixedTop : niceTop(highest)
  const x = (time: number) => WIDTH * (1 - (end - time) / spanMs)
  const y = (value: number) => BASE - (value / top) * (BASE - PAD.top)
  const at = (value: number | null, i: number) => (value === null ? null : { x: x(times[i]!), y: y(value) })
  const index = hovered === null ? times.length - 1 : Math.min(hovered, times.length - 1)
  const onPointerMove = (event: PointerEvent) => {
    const box = svg.current!.getBoundingClientRect()
    const time = end - spanMs * (1 - (event.clientX - box.left) / box.width)
    const nearest = times.reduce((best, value, i) => (Math.abs(value - time) < Math.abs(times[best]! - time) ? i : best), 0)
    setHovered(nearest)
  }
  const now = series.map((s) => t.value.status.nowValue(s.name, s.values.at(-1) == null ? '–' : format(s.values.at(-1)!))).join(', ')
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <Legend series={series} index={index} format={format} />
      </figcaption>
      <div class="chart-plot">
        <span class="chart-top" aria-hidden="true">{formatTop(top)}</span>
        <svg
          ref={svg} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t.value.status.chartLabel(title, now)}
          onPointerMove={onPointerMove} onPointerLeave={() => setHovered(null)}
        >
          {[0, 0.5, 1].map((share) => <line key={share} class="chart-grid" x1="0" x2={WIDTH} y1={y(top * share)} y2={y(top * share)} />)}
          {series.map((s) => <Line key={s.name} series={s} at={at} />)}
          {hovered !== null && times.length > 0 && <line class="chart-cursor" x1={x(times[index]!)} x2={x(times[index]!)} y1="0" y2={HEIGHT} />}
        </svg>
        <div class="chart-axis" aria-hidden="true">
          <span>{t.value.status.ago(duration(spanMs / 1000))}</span>
          <span>{hovered === null ? t.value.status.now : new Date(times[index]!).toLocaleTimeString()}</span>
        </div>
      </div>
    </figure>
  )
}
