// Accessibility of every view in both themes and languages, on wide and narrow screens; weight and speed of the page.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { askAndWait, expect, inBothLanguages, open, setMock, test, type Language } from './helpers'

async function check(page: Page, view: string): Promise<void> {
  // Colours are judged when nothing is fading in any more.
  await page.waitForTimeout(350)
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map((v) => `${view}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`)).toEqual([])
}

async function visitAgents(page: Page, { agents }: Language['words']): Promise<void> {
  await page.goto('/#/agents')
  for (const goal of ['a long one', 'fail now', 'slowly']) {
    await page.getByLabel(agents.goal.text, { exact: true }).fill(goal)
    await page.getByRole('button', { name: agents.goal.start, exact: true }).click()
    await expect(page.getByLabel(agents.goal.text, { exact: true })).toHaveValue('')
  }
  await page.locator('.choice-option').filter({ hasText: agents.goal.scopes.full }).last().click()
  for (const summary of await page.locator('.goal-fold summary').all()) await summary.click()
  await expect(page.locator('.approval')).toBeVisible()
  await expect(page.locator('.badge-job-failed')).toBeVisible()
  await check(page, 'agents')
  await page.goto('/#/agents/1')
  await expect(page.locator('.step-call')).toHaveCount(2)
  await check(page, 'job that asks')
  await page.locator('.approval .primary').click()
  await expect(page.locator('.step-end')).toBeVisible()
  await check(page, 'job')
  await page.goto('/#/agents/schedules')
  await page.getByLabel(agents.schedules.name, { exact: true }).fill('mail')
  await page.getByText(agents.schedules.kinds.hook, { exact: true }).click()
  await page.getByLabel(agents.goal.text, { exact: true }).fill('file the mail')
  await page.getByRole('button', { name: agents.schedules.create }).click()
  await check(page, 'secret')
  await page.keyboard.press('Escape')
  await expect(page.locator('.schedule')).toBeVisible()
  await check(page, 'schedules')
}

async function visitAll(page: Page, { words }: Language): Promise<void> {
  await open(page)
  await check(page, 'welcome')
  await askAndWait(page, words, 'rich reason')
  await page.locator('.reasoning summary').click()
  await askAndWait(page, words, 'use a tool')
  await page.locator('.tool summary').click()
  await askAndWait(page, words, 'break off')
  await askAndWait(page, words, 'too long for you')
  await page.locator('input[type=file]').setInputFiles([{ name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('a') }, { name: 'b.png', mimeType: 'image/png', buffer: Buffer.from('b') }])
  await check(page, 'chat')
  await page.keyboard.press('Alt+KeyO')
  await page.getByLabel(words.options.fields.temperature.name, { exact: true }).fill('1')
  await check(page, 'options')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Alt+KeyM')
  await check(page, 'model choice')
  await page.keyboard.press('Escape')
  await page.goto('/#/models')
  await page.getByLabel(words.models.downloadLabel).fill('a/b')
  await page.keyboard.press('Enter')
  await check(page, 'models')
  await page.goto('/#/teach')
  await page.locator('input[type=file]').setInputFiles([{ name: 'a.jsonl', mimeType: 'text/plain', buffer: Buffer.from('{"prompt": "a", "completion": "b"}\n') }])
  await page.getByRole('button', { name: words.teach.start, exact: true }).click()
  await expect(page.locator('.training .chart-line').first()).toBeVisible()
  await check(page, 'teach')
  await page.goto('/#/documents')
  await check(page, 'documents')
  await visitAgents(page, words)
  await page.goto('/#/settings')
  await check(page, 'settings')
  await page.locator('main').focus()
  await page.keyboard.press('?')
  await check(page, 'shortcuts')
  await page.keyboard.press('Escape')
  await page.goto('/#/status')
  await expect(page.locator('.chart-line').first()).toBeVisible({ timeout: 10_000 })
  await check(page, 'status')
}

inBothLanguages((language) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`no accessibility violations, ${colorScheme}`, async ({ page }) => {
      test.setTimeout(120_000)
      await page.emulateMedia({ colorScheme })
      await setMock(page, { busy: true })
      await visitAll(page, language)
    })
  }

  test.describe('on a phone', () => {
    test.use({ viewport: { width: 390, height: 844 }, hasTouch: true })

    test('no accessibility violations in chat and drawer', async ({ page }) => {
      await open(page)
      await askAndWait(page, language.words, 'rich')
      await check(page, 'chat')
      await page.getByRole('button', { name: language.words.sidebar.open }).tap()
      await check(page, 'drawer')
    })

    test('no accessibility violations in agents', async ({ page }) => {
      test.setTimeout(60_000)
      await open(page)
      await visitAgents(page, language.words)
    })
  })
})

test('the key question has no accessibility violations', async ({ page }) => {
  await setMock(page, { key: 'x' })
  await open(page)
  await expect(page.getByRole('dialog')).toBeVisible()
  await check(page, 'key')
})

test('the first paint comes within a second and everything weighs less than 400 KB', async ({ page }) => {
  let bytes = 0
  const client = await page.context().newCDPSession(page)
  await client.send('Network.enable')
  client.on('Network.loadingFinished', (event) => (bytes += event.encodedDataLength))
  await open(page)
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  expect(paint).toBeLessThan(1000)
  expect(bytes).toBeGreaterThan(50_000)
  expect(bytes).toBeLessThan(200_000)
  const { words } = { words: (await import('../src/i18n/en')).en }
  await askAndWait(page, words, 'rich')
  expect(bytes).toBeLessThan(400_000)
  console.log(`first contentful paint ${paint!.toFixed(0)} ms; ${(bytes / 1000).toFixed(0)} kB with highlighting and formulas`)
})
