// Teaching: examples are chosen and understood, a training is watched, stopped, and its result talked to.
import { expect, inBothLanguages, open, sent, test } from './helpers'
import type { Page } from '@playwright/test'

const LESSONS = '{"prompt": "door?", "completion": "blue"}\n{"prompt": "rain?", "completion": "grey"}\n{"prompt": "cat?", "completion": "Hodori"}\n'

async function choose(page: Page, text: string, name = 'lessons.jsonl'): Promise<void> {
  await page.locator('input[type=file]').setInputFiles([{ name, mimeType: 'application/jsonl', buffer: Buffer.from(text) }])
}

inBothLanguages(({ words }) => {
  const { teach } = words

  test('examples are understood, learned and the result is asked', async ({ page }) => {
    await open(page)
    await page.getByRole('link', { name: words.sidebar.teach }).click()
    const start = page.getByRole('button', { name: teach.start, exact: true })
    await expect(start).toBeDisabled()
    await choose(page, LESSONS)
    await expect(page.getByText(teach.understood(3, 'prompt and completion'))).toBeVisible()
    await expect(page.locator('.lesson mark')).toHaveText('blue')
    await expect(page.locator('.lesson')).toContainText('door?')
    await page.getByLabel(teach.name).fill('my door')
    await page.getByLabel(teach.epochs).fill('5')
    await start.click()
    const wish = (await sent(page))[0]! as unknown as { suffix: string; method: { supervised: { hyperparameters: { n_epochs: number } } }; ondol: { live: boolean } }
    expect(wish.suffix).toBe('my-door')
    expect(wish.method.supervised.hyperparameters.n_epochs).toBe(5)
    expect(wish.ondol.live).toBe(true)
    const training = page.locator('.training').first()
    await expect(training.getByText(teach.states.running)).toBeVisible()
    await expect(training.locator('.chart-line.tone-1')).toBeVisible()
    await expect(training.getByText(teach.states.succeeded)).toBeVisible({ timeout: 20_000 })
    await expect(training.locator('.chart-line.tone-2')).toBeVisible()
    await expect(training.getByRole('img')).toHaveAttribute('aria-label', /0[.,]2/)
    await training.getByRole('button', { name: teach.chat }).click()
    await expect(page.getByText(/ft-my-door-1/).first()).toBeVisible()
  })

  test('a broken line is named, and nothing can be started', async ({ page }) => {
    await open(page, '#/teach')
    await choose(page, `${LESSONS}no JSON\n`)
    await expect(page.getByRole('alert')).toContainText(teach.wrongLine('4'))
    await expect(page.getByRole('button', { name: teach.start, exact: true })).toBeDisabled()
    await choose(page, LESSONS, 'good.jsonl')
    await expect(page.getByRole('alert')).toHaveCount(0)
    await expect(page.getByRole('button', { name: teach.start, exact: true })).toBeEnabled()
  })

  test('a file can be dropped', async ({ page }) => {
    await open(page, '#/teach')
    const transfer = await page.evaluateHandle((text) => {
      const data = new DataTransfer()
      data.items.add(new File([text], 'dropped.jsonl'))
      return data
    }, LESSONS)
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer })
    await expect(page.getByText('dropped.jsonl')).toBeVisible()
    await expect(page.getByText(teach.understood(3, 'prompt and completion'))).toBeVisible()
  })

  test('a file can be chosen with a click', async ({ page }) => {
    await open(page, '#/teach')
    await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: teach.choose }).click()])
  })

  test('a training is cancelled and forgotten', async ({ page }) => {
    await open(page, '#/teach')
    await choose(page, LESSONS)
    await page.getByRole('button', { name: teach.start, exact: true }).click()
    const training = page.locator('.training').first()
    await training.getByRole('button', { name: words.common.cancel }).click()
    await expect(training.getByText(teach.states.cancelled)).toBeVisible()
    await training.getByRole('button', { name: teach.deleteLabel('ftjob-1') }).click()
    await expect(page.getByText(teach.none)).toBeVisible()
  })
})
