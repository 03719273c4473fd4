import { expect, test } from 'vitest'
import { thinned } from '../src/components/teach/LossChart'
import { withEvents } from '../src/state/teaching'

const metrics = (step: number, train_loss: number, full_valid_loss?: number) => ({
  id: `s${step}`, type: 'metrics' as const, message: '', data: { step, train_loss, tokens_per_s: 10 * step, ...(full_valid_loss === undefined ? {} : { full_valid_loss }) },
})

test('events make a curve, each step once', () => {
  const first = withEvents(undefined, [{ id: 'm0', type: 'message', message: 'begun', data: null }, metrics(1, 3), metrics(2, 2, 2.5)])
  expect(first).toEqual({ last: 's2', steps: [1, 2], loss: [3, 2], validation: [null, 2.5], speed: 20 })
  const second = withEvents(first, [metrics(2, 9), metrics(3, 1)])
  expect(second.steps).toEqual([1, 2, 3])
  expect(second.loss).toEqual([3, 2, 1])
  expect(first.steps).toEqual([1, 2])
})

test('long curves are thinned to means', () => {
  const points = Array.from({ length: 1000 }, (_, i) => ({ step: i + 1, value: i % 2 }))
  const few = thinned(points, 100)
  expect(few).toHaveLength(100)
  expect(few.at(-1)!.step).toBe(1000)
  expect(few.every((p) => p.value === 0.5)).toBe(true)
  expect(thinned(points.slice(0, 5), 100)).toHaveLength(5)
})
