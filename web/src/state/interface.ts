// What is open on the screen, toasts, and what screen readers are told. Nothing of it is kept.
import { signal } from '@preact/signals'

export type DialogName = 'shortcuts' | 'options' | 'model' | null

export const dialog = signal<DialogName>(null)
/** The drawer of small screens. */
export const drawer = signal(false)
/** Counted up to ask the composer or the search field for the focus. */
export const focusComposer = signal(0)
export const focusSearch = signal(0)
/** The question that is being edited. */
export const editing = signal<string | null>(null)

export interface Toast {
  id: number
  text: string
  kind: 'note' | 'error'
  action?: { label: string; run: () => void }
}

export const toasts = signal<Toast[]>([])
let nextToast = 1

export function dismissToast(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

export function showToast(text: string, options: Partial<Pick<Toast, 'kind' | 'action'>> = {}): void {
  const toast: Toast = { id: nextToast++, text, kind: options.kind ?? 'note' }
  if (options.action) toast.action = options.action
  toasts.value = [...toasts.value.slice(-2), toast]
  window.setTimeout(() => dismissToast(toast.id), toast.action ? 10_000 : 5_000)
}

/** Paragraphs for the polite live region: an answer is told by whole paragraphs, not token by token. */
export const announcements = signal<{ id: number; text: string }[]>([])
let nextAnnouncement = 1

export function announce(text: string): void {
  announcements.value = [...announcements.value.slice(-20), { id: nextAnnouncement++, text }]
}

export function clearAnnouncements(): void {
  announcements.value = []
}
