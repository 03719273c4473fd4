import { describe, expect, it } from 'vitest'
import { between, histogram, parsePrometheus, quantile, total } from '../src/api/prometheus'
import { readingOf } from '../src/state/metrics'

const TEXT = `# HELP ondol_requests_running Requests
# TYPE ondol_requests_running gauge
ondol_requests_running 3
ondol_tokens_generated_total{model="a,b\\"}"} 10
ondol_tokens_generated_total{model="c"} 5.5e1 1700000000000
lat_bucket{le="0.1"} 2
lat_bucket{le="1"} 6
lat_bucket{le="+Inf"} 8
lat_sum 4.5
lat_count 8
this is not a sample {
`

describe('parsePrometheus', () => {
  const samples = parsePrometheus(TEXT)

  it('reads values, exponents, times and labels with escapes', () => {
    expect(total(samples, 'ondol_requests_running')).toBe(3)
    expect(total(samples, 'ondol_tokens_generated_total')).toBe(65)
    expect(samples[1]!.labels).toEqual({ model: 'a,b"}' })
    expect(total(samples, 'absent')).toBeNull()
    expect(samples).toHaveLength(8)
  })

  it('puts histograms together and interpolates inside a bucket', () => {
    const h = histogram(samples, 'lat')!
    expect(h.buckets.map((b) => b.le)).toEqual([0.1, 1, Infinity])
    expect(quantile(h, 0.25)).toBeCloseTo(0.1)
    expect(quantile(h, 0.5)).toBeCloseTo(0.1 + 0.9 * 0.5)
    expect(quantile(h, 0.99)).toBe(1)
    expect(quantile({ ...h, count: 0 }, 0.5)).toBeNull()
    expect(histogram(samples, 'absent')).toBeNull()
  })

  it('takes the difference of two readings, and begins anew when the server did', () => {
    const early = histogram(samples, 'lat')!
    const late = { buckets: [{ le: 0.1, count: 2 }, { le: 1, count: 9 }, { le: Infinity, count: 11 }], sum: 6, count: 11 }
    expect(between(early, late)).toEqual({ buckets: [{ le: 0.1, count: 0 }, { le: 1, count: 3 }, { le: Infinity, count: 3 }], sum: 1.5, count: 3 })
    expect(between(late, early)).toBe(early)
  })
})

describe('readingOf', () => {
  it('turns counters into rates and gives null where a metric is absent', () => {
    const first = readingOf('ondol_tokens_generated_total 100\n', 1000, null)
    expect(first.reading.generated).toBeNull()
    const second = readingOf('ondol_tokens_generated_total 160\n', 3000, first.counters)
    expect(second.reading.generated).toBe(30)
    expect(second.reading.running).toBeNull()
    expect(readingOf('ondol_tokens_generated_total 10\n', 5000, second.counters).reading.generated).toBe(5)
  })
})
