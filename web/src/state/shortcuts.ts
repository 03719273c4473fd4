// The keyboard. What is listed here is what the list on `?` shows.
import { signal } from '@preact/signals'
import { current, listed } from './conversations'
import { regenerate, runs, stop } from './generation'
import { dialog, drawer, editing, focusComposer, focusSearch } from './interface'
import { go, links, route } from './router'
import { changeSettings, settings } from './settings'
import { pathOf } from './tree'
import type { en } from '../i18n/en'

export type ShortcutName = keyof typeof en.shortcuts.list

const isMac = /Mac|iPhone|iPad/.test(navigator.platform)
const CTRL = isMac ? '⌘' : 'Ctrl'
const ALT = isMac ? '⌥' : 'Alt'

export const SHORTCUTS: { name: ShortcutName; keys: string[] }[] = [
  { name: 'newChat', keys: [CTRL, 'K'] },
  { name: 'search', keys: ['/'] },
  { name: 'focus', keys: [ALT, 'C'] },
  { name: 'send', keys: ['Enter'] },
  { name: 'newLine', keys: ['Shift', 'Enter'] },
  { name: 'stop', keys: ['Esc'] },
  { name: 'editLast', keys: ['↑'] },
  { name: 'regenerate', keys: [ALT, 'R'] },
  { name: 'model', keys: [ALT, 'M'] },
  { name: 'options', keys: [ALT, 'O'] },
  { name: 'previous', keys: [ALT, '↑'] },
  { name: 'next', keys: [ALT, '↓'] },
  { name: 'sidebar', keys: [CTRL, 'B'] },
  { name: 'help', keys: ['?'] },
]

const narrow = window.matchMedia('(max-width: 800px)')
const phone = signal(narrow.matches)
narrow.addEventListener('change', () => (phone.value = narrow.matches))
/** Narrow screens have a drawer instead of a sidebar. */
export const isPhone = () => phone.value

export function toggleSidebar(): void {
  if (isPhone()) drawer.value = !drawer.value
  else changeSettings({ sidebar: !settings.value.sidebar })
}

export function newChat(): void {
  go(links.chat(null))
  drawer.value = false
  focusComposer.value++
}

/** Another answer to the last question. */
function regenerateLast(): void {
  const conversation = current.value
  const last = conversation ? pathOf(conversation).at(-1) : undefined
  if (conversation && last?.role === 'assistant') void regenerate(conversation.id, last.id)
}

/** Opens the last question for editing. */
export function editLast(): boolean {
  const conversation = current.value
  if (!conversation || runs.value[conversation.id]) return false
  const last = pathOf(conversation).findLast((m) => m.role === 'user')
  if (last) editing.value = last.id
  return last !== undefined
}

function step(by: number): void {
  const all = listed.value
  const at = route.value.view === 'chat' ? all.findIndex((s) => s.id === current.value?.id) : -1
  const next = all[at < 0 ? 0 : at + by]
  if (next) go(links.chat(next.id))
}

function escape(): void {
  if (drawer.value) drawer.value = false
  else if (current.value && runs.value[current.value.id]) stop(current.value.id)
}

const withControl: Record<string, () => void> = { KeyK: newChat, KeyB: toggleSidebar }

const withAlt: Record<string, () => void> = {
  KeyC: () => focusComposer.value++,
  KeyR: regenerateLast,
  KeyM: () => (dialog.value = 'model'),
  KeyO: () => (dialog.value = 'options'),
  ArrowUp: () => step(-1),
  ArrowDown: () => step(1),
}

const alone: Record<string, () => void> = {
  '/': () => {
    if (isPhone()) drawer.value = true
    else if (!settings.value.sidebar) changeSettings({ sidebar: true })
    focusSearch.value++
  },
  '?': () => (dialog.value = 'shortcuts'),
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return
  const control = isMac ? event.metaKey : event.ctrlKey
  let action: (() => void) | undefined
  if (event.key === 'Escape') action = escape
  else if (control && !event.altKey && !event.shiftKey) action = withControl[event.code]
  else if (event.altKey && !control && !event.shiftKey) action = withAlt[event.code]
  else if (!control && !event.metaKey && !event.altKey && !isTyping(event.target)) action = alone[event.key]
  if (!action) return
  event.preventDefault()
  action()
}

export function installShortcuts(): void {
  window.addEventListener('keydown', onKeyDown)
}

