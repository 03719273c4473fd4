// Reads Prometheus' text format: samples with labels, and histograms put together again.

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Histogram {
  /** Upper bounds with the number of observations at or below, ascending; the last bound is Infinity. */
  buckets: { le: number; count: number }[]
  sum: number
  count: number
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

function parseValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity
  if (text === '-Inf') return -Infinity
  return Number(text)
}

/** Lines that are not samples are skipped. */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : SAMPLE.exec(line.trim())
    if (!match) continue
    const labels: Record<string, string> = {}
    for (const [, name, value] of (match[2] ?? '').matchAll(LABEL)) {
      labels[name!] = value!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
    }
    samples.push({ name: match[1]!, labels, value: parseValue(match[3]!) })
  }
  return samples
}

/** The sum over all label sets, or null when the metric is absent. */
export function total(samples: Sample[], name: string): number | null {
  const found = samples.filter((s) => s.name === name)
  return found.length === 0 ? null : found.reduce((sum, s) => sum + s.value, 0)
}

/** The histogram summed over all other labels, or null when it is absent. */
export function histogram(samples: Sample[], name: string): Histogram | null {
  const counts = new Map<number, number>()
  for (const s of samples) {
    if (s.name !== `${name}_bucket` || s.labels.le === undefined) continue
    const le = parseValue(s.labels.le)
    counts.set(le, (counts.get(le) ?? 0) + s.value)
  }
  if (counts.size === 0) return null
  const buckets = [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le)
  return { buckets, sum: total(samples, `${name}_sum`) ?? 0, count: total(samples, `${name}_count`) ?? 0 }
}

/** What was observed between two readings. A counter that fell (the server began anew) counts from zero. */
export function between(earlier: Histogram, later: Histogram): Histogram {
  if (later.count < earlier.count) return later
  const before = new Map(earlier.buckets.map((b) => [b.le, b.count]))
  return {
    buckets: later.buckets.map((b) => ({ le: b.le, count: b.count - (before.get(b.le) ?? 0) })),
    sum: later.sum - earlier.sum,
    count: later.count - earlier.count,
  }
}

/** The value below which a share of the observations lies, interpolated inside its bucket; null without any. */
export function quantile(h: Histogram, share: number): number | null {
  if (h.count <= 0) return null
  const rank = share * h.count
  let lower = 0
  let below = 0
  for (const { le, count } of h.buckets) {
    if (count >= rank) {
      if (!Number.isFinite(le)) return lower
      return count === below ? le : lower + (le - lower) * ((rank - below) / (count - below))
    }
    lower = le
    below = count
  }
  return lower
}
