// What all browser tests share: a fresh stand-in, both languages, and the rule that nothing is loaded from elsewhere
// and nothing breaks the content security policy.
import { test as base, expect, type Page } from '@playwright/test'
import { en, type Messages } from '../src/i18n/en'
import { ko } from '../src/i18n/ko'

export { expect }

export const test = base.extend<{ guard: void }>({
  guard: [
    async ({ page, baseURL }, use) => {
      const problems: string[] = []
      page.on('pageerror', (error) => problems.push(`error: ${error.message}`))
      page.on('console', (message) => {
        if (/Content Security Policy|Refused to/.test(message.text())) problems.push(message.text())
      })
      page.on('request', (request) => {
        if (!/^(data|blob):/.test(request.url()) && ![baseURL!, process.env.ONDOL_LOCKED_URL ?? baseURL!].some((url) => new URL(url).origin === new URL(request.url()).origin)) problems.push(`foreign request: ${request.url()}`)
      })
      if (!process.env.ONDOL_URL) await fetch(`${baseURL}/mock/reset`)
      await use()
      expect(problems).toEqual([])
    },
    { auto: true },
  ],
})

export interface Language {
  name: 'en' | 'ko'
  words: Messages
}

/** The same tests once in each language. */
export function inBothLanguages(tests: (language: Language) => void): void {
  for (const [name, locale, words] of [['en', 'en-US', en], ['ko', 'ko-KR', ko]] as const) {
    test.describe(name, () => {
      test.use({ locale })
      tests({ name, words })
    })
  }
}

export const composer = (page: Page, words: Messages) => page.getByRole('textbox', { name: words.composer.label, exact: true })
export const answers = (page: Page) => page.locator('article.assistant')
export const questions = (page: Page) => page.locator('article.user')
export const lastAnswer = (page: Page) => answers(page).last()

export async function open(page: Page, hash = ''): Promise<void> {
  await page.goto(`/${hash}`)
  await expect(page.locator('main')).toBeVisible()
}

export async function ask(page: Page, words: Messages, text: string): Promise<void> {
  const before = await answers(page).count()
  await composer(page, words).fill(text)
  await composer(page, words).press('Enter')
  await expect(answers(page)).toHaveCount(before + 1)
}

/** Until no answer is running. */
export async function finished(page: Page): Promise<void> {
  await expect(page.locator('article[aria-busy=true]')).toHaveCount(0, { timeout: process.env.ONDOL_URL ? 60_000 : 15_000 })
}

export async function askAndWait(page: Page, words: Messages, text: string): Promise<void> {
  await ask(page, words, text)
  await finished(page)
}

interface SentRequest {
  model: string
  messages: { role: string; content: unknown; tool_calls?: unknown; reasoning_content?: string }[]
  [field: string]: unknown
}

/** What the stand-in was asked, last first. */
export async function sent(page: Page): Promise<SentRequest[]> {
  const response = await page.request.get('/mock/requests')
  return ((await response.json()) as SentRequest[]).reverse()
}

export async function setMock(page: Page, state: Record<string, unknown>): Promise<void> {
  await page.request.post('/mock/set', { data: state })
}
