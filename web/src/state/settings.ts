// How the page looks and speaks. boot.js applies the same values before the first paint.
import { computed, effect } from '@preact/signals'
import { en, type Messages } from '../i18n/en'
import { ko } from '../i18n/ko'
import { persisted } from './persisted'

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'en' | 'ko'
export type FontSize = 'small' | 'normal' | 'large' | 'huge'

export const FONT_SIZES: FontSize[] = ['small', 'normal', 'large', 'huge']

interface Settings {
  theme: Theme
  /** Empty: the browser's. */
  language: Language | ''
  fontSize: FontSize
  sidebar: boolean
}

export const settings = persisted<Settings>('ondol.settings', { theme: 'system', language: '', fontSize: 'normal', sidebar: true })

export function changeSettings(change: Partial<Settings>): void {
  settings.value = { ...settings.value, ...change }
}

function browserLanguage(): Language {
  return (navigator.languages?.[0] ?? navigator.language ?? 'en').startsWith('ko') ? 'ko' : 'en'
}

export const language = computed<Language>(() => settings.value.language || browserLanguage())

/** The texts of the page in the chosen language. */
export const t = computed<Messages>(() => (language.value === 'ko' ? ko : en))

export function applySettings(): void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)')
  effect(() => {
    const { theme, fontSize } = settings.value
    const root = document.documentElement
    root.lang = language.value
    if (theme === 'system') delete root.dataset.theme
    else root.dataset.theme = theme
    root.dataset.fontSize = fontSize
    const isDark = theme === 'dark' || (theme === 'system' && dark.matches)
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', isDark ? '#1b1613' : '#faf6f0')
  })
}
