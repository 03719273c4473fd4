import { askAndWait, composer, expect, finished, inBothLanguages, lastAnswer, open, sent, setMock, test } from './helpers'

inBothLanguages(({ words }) => {
  const models = words.models

  test('a model is chosen by what fits, its size and quantisation', async ({ page }) => {
    await open(page)
    await page.getByRole('button', { name: models.current('Qwen/Qwen3-4B-GGUF') }).click()
    const dialog = page.getByRole('dialog', { name: models.choose })
    await expect(dialog.getByRole('listitem').filter({ hasText: 'gemma-2-27b' })).toContainText(models.fitsNot)
    await expect(dialog.getByRole('listitem').filter({ hasText: 'gemma-2-27b' })).toContainText('Needs 17.9 GB')
    const llama = dialog.getByRole('listitem').filter({ hasText: 'Llama-3.2-1B' })
    await expect(llama).toContainText(models.fits)
    await expect(llama).toContainText('Q4_K_M')
    await expect(llama).toContainText('810 MB')
    await llama.getByRole('button').click()
    await askAndWait(page, words, 'hello')
    expect((await sent(page))[0]!.model).toBe('unsloth/Llama-3.2-1B-Instruct-GGUF')
    await page.keyboard.press('Control+k')
    await expect(page.getByRole('button', { name: models.current('unsloth/Llama-3.2-1B-Instruct-GGUF') })).toBeVisible()
  })

  test('a model that is gone says so and offers another', async ({ page }) => {
    await open(page)
    await composer(page, words).fill('hello')
    await setMock(page, { models: [] })
    await composer(page, words).press('Enter')
    await finished(page)
    await expect(lastAnswer(page).getByRole('alert')).toContainText(words.errors.modelTitle)
    await lastAnswer(page).getByRole('button', { name: words.errors.chooseModel }).click()
    await expect(page.getByRole('dialog', { name: models.choose })).toBeVisible()
  })

  test('without any model the page leads to a download', async ({ page }) => {
    await setMock(page, { models: [] })
    await open(page)
    await page.getByRole('link', { name: words.welcome.getModel }).click()
    await expect(page.getByText(models.empty)).toBeVisible()
  })

  test('downloads show their progress, can be cancelled, and fail with the reason', async ({ page }) => {
    await setMock(page, { pullSteps: 25 })
    await open(page, '#/models')
    const start = async (name: string) => {
      await page.getByLabel(models.downloadLabel).fill(name)
      await page.getByRole('button', { name: models.start, exact: true }).click()
    }
    await start('a/slow-one')
    const bar = page.getByRole('progressbar', { name: models.progress('a/slow-one') })
    await expect(bar).toBeVisible()
    await expect(page.locator('.downloads')).toContainText('/ 640 MB')
    await expect(page.locator('.downloads')).toContainText(models.left('').trim())
    await page.getByRole('button', { name: models.cancel('a/slow-one') }).click()
    await expect(page.locator('.downloads')).toContainText(models.cancelled)
    await page.getByRole('button', { name: words.common.dismiss, exact: true }).click()

    await start('a/missing')
    await expect(page.locator('.downloads')).toContainText("There is no model 'a/missing' on the hub.")
    await page.getByRole('button', { name: words.common.dismiss, exact: true }).click()

    await setMock(page, { pullSteps: 3 })
    await start('Qwen/Qwen3-0.6B-GGUF')
    await expect(page.locator('.downloads')).toContainText(models.ready)
    await expect(page.locator('.model-card')).toHaveCount(4)
    await page.locator('.downloads').getByRole('button', { name: models.use }).click()
    await expect(page.getByRole('button', { name: models.current('Qwen/Qwen3-0.6B-GGUF') })).toBeVisible()
  })

  test('a model is deleted after a question', async ({ page }) => {
    await open(page, '#/models')
    await expect(page.locator('.model-card')).toHaveCount(3)
    await page.getByRole('button', { name: models.delete('bartowski/gemma-2-27b-it-GGUF') }).click()
    const dialog = page.getByRole('dialog', { name: models.deleteTitle })
    await expect(dialog).toContainText('16.6 GB')
    await dialog.getByRole('button', { name: words.common.cancel }).click()
    await expect(page.locator('.model-card')).toHaveCount(3)
    await page.getByRole('button', { name: models.delete('bartowski/gemma-2-27b-it-GGUF') }).click()
    await dialog.getByRole('button', { name: words.common.delete }).click()
    await expect(page.locator('.model-card')).toHaveCount(2)
    await expect(page.getByText(models.deleted('bartowski/gemma-2-27b-it-GGUF'))).toBeVisible()
  })
})
