import { askAndWait, expect, inBothLanguages, lastAnswer, open, sent, test } from './helpers'

inBothLanguages(({ words }) => {
  const options = words.options

  test('the system prompt belongs to the conversation, and presets are kept', async ({ page }) => {
    await open(page)
    await page.keyboard.press('Alt+KeyO')
    const dialog = page.getByRole('dialog', { name: options.title })
    await dialog.getByLabel(options.system, { exact: true }).fill('Answer like a poet.')
    await dialog.getByLabel(options.presetName).fill('Poet')
    await dialog.getByRole('button', { name: options.savePreset }).click()
    await page.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
    await askAndWait(page, words, 'hello')
    expect((await sent(page))[0]!.messages[0]).toEqual({ role: 'system', content: 'Answer like a poet.' })
    await page.keyboard.press('Control+k')
    await askAndWait(page, words, 'hello again')
    expect((await sent(page))[0]!.messages[0]!.role).toBe('user')
    await page.reload()
    await page.getByRole('button', { name: options.open }).click()
    await dialog.getByRole('button', { name: 'Poet', exact: true }).click()
    await expect(dialog.getByLabel(options.system, { exact: true })).toHaveValue('Answer like a poet.')
    await dialog.getByRole('button', { name: options.deletePreset('Poet') }).click()
    await expect(dialog.getByRole('list', { name: options.presets })).toHaveCount(0)
  })

  test('only settings that were touched are sent, and each can be reset', async ({ page }) => {
    await open(page)
    await page.getByRole('button', { name: options.open }).click()
    const dialog = page.getByRole('dialog', { name: options.title })
    for (const [key, value] of [['temperature', '0.3'], ['top_k', '20'], ['min_p', '0.1']] as const) {
      await dialog.getByLabel(options.fields[key].name, { exact: true }).fill(value)
    }
    for (const key of Object.keys(options.fields) as (keyof typeof options.fields)[]) await expect(dialog).toContainText(options.fields[key].hint)
    await dialog.getByLabel(options.fields.seed.name, { exact: true }).fill('7')
    await dialog.getByLabel(options.fields.max_tokens.name, { exact: true }).fill('500')
    await dialog.getByLabel(options.stop).fill('END\nFIN')
    await dialog.getByText(options.efforts.low, { exact: true }).click()
    await dialog.getByRole('button', { name: options.reset(options.fields.top_k.name) }).click()
    await page.keyboard.press('Escape')
    await askAndWait(page, words, 'hello')
    const { model: _, messages: __, stream: ___, stream_options: ____, ...fields } = (await sent(page))[0]!
    expect(fields).toEqual({ temperature: 0.3, min_p: 0.1, seed: 7, max_tokens: 500, stop: ['END', 'FIN'], reasoning_effort: 'low' })
    await page.getByRole('button', { name: options.open }).click()
    await dialog.getByRole('button', { name: options.resetAll }).click()
    await page.keyboard.press('Escape')
    await askAndWait(page, words, 'hello')
    expect(Object.keys((await sent(page))[0]!).sort()).toEqual(['messages', 'model', 'stream', 'stream_options'])
  })

  test('tools go into the request when they are right', async ({ page }) => {
    await open(page)
    await page.getByRole('button', { name: options.open }).click()
    const dialog = page.getByRole('dialog', { name: options.title })
    await dialog.getByRole('heading', { name: options.tools }).click()
    const field = dialog.getByRole('textbox', { name: options.tools })
    await field.fill('[{]')
    await expect(dialog).toContainText(options.toolsBad)
    await field.fill('[{"name":"weather"}]')
    await expect(dialog).toContainText(options.toolsGood(1))
    await page.keyboard.press('Escape')
    await askAndWait(page, words, 'use a tool')
    expect((await sent(page))[0]!.tools).toEqual([{ type: 'function', function: { name: 'weather' } }])
    await expect(lastAnswer(page).locator('.tool')).toBeVisible()
  })
})
