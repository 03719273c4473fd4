// Signals that live in localStorage. Storage that is full or forbidden is no reason to fail: then they last as long as
// the page.
import { effect, signal, type Signal } from '@preact/signals'

export function read<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key)
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

export function write(key: string, value: unknown): void {
  try {
    if (value === undefined) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // Kept in memory only.
  }
}

/** Objects are merged with the fallback, so that fields added later have their default. */
export function persisted<T>(key: string, fallback: T): Signal<T> {
  const saved = read<T>(key, fallback)
  const isRecord = typeof fallback === 'object' && fallback !== null && !Array.isArray(fallback)
  const value = signal<T>(isRecord ? { ...fallback, ...saved } : saved)
  let first = true
  effect(() => {
    const current = value.value
    if (!first) write(key, current)
    first = false
  })
  return value
}
