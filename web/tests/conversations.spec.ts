import { readFileSync } from 'node:fs'
import { ask, askAndWait, composer, expect, finished, inBothLanguages, lastAnswer, open, questions, test } from './helpers'

inBothLanguages(({ words }) => {
  const list = '.sidebar-list'

  test('conversations are kept, found by any text, renamed and deleted with undo', async ({ page }) => {
    await open(page)
    await askAndWait(page, words, 'the quick brown fox')
    await page.keyboard.press('Control+k')
    await askAndWait(page, words, '느린 거북이')
    await page.reload()
    await expect(page.locator(`${list} .conversation`)).toHaveCount(2)

    const search = page.getByRole('textbox', { name: words.sidebar.search })
    await search.fill('THOUSAND years')
    await expect(page.locator(list)).toContainText(words.sidebar.found(1))
    await expect(page.locator(`${list} mark`)).toHaveText('thousand years')
    await search.fill('거북')
    await expect(page.locator(`${list} mark`)).toHaveText('거북')
    await page.locator('.hit').click()
    await expect(questions(page)).toContainText('느린 거북이')
    await search.fill('nowhere to be found')
    await expect(page.locator(list)).toContainText(words.sidebar.noHits('nowhere to be found'))
    await search.press('Escape')

    await page.getByRole('button', { name: words.sidebar.actions('느린 거북이') }).click()
    await page.getByRole('menuitem', { name: words.sidebar.rename }).click()
    await page.getByRole('textbox', { name: words.sidebar.renameLabel }).fill('Turtle')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Turtle')

    await page.getByRole('button', { name: words.sidebar.actions('Turtle') }).click()
    await page.getByRole('menuitem', { name: words.sidebar.delete }).click()
    await expect(page.locator(`${list} .conversation`)).toHaveCount(1)
    await page.getByRole('button', { name: words.common.undo }).click()
    await expect(page.locator(`${list} .conversation`)).toHaveCount(2)
    await page.reload()
    await expect(questions(page)).toContainText('느린 거북이')

    await page.getByRole('button', { name: words.sidebar.actions('Turtle') }).click()
    await page.getByRole('menuitem', { name: words.sidebar.delete }).click()
    await page.reload()
    await expect(page.locator(`${list} .conversation`)).toHaveCount(1)
  })

  test('search shows the branch in which it found the text', async ({ page }) => {
    await open(page)
    await askAndWait(page, words, 'the first wording')
    await questions(page).hover()
    await questions(page).getByRole('button', { name: words.chat.edit }).click()
    await page.getByRole('textbox', { name: words.chat.editLabel }).fill('the second wording')
    await page.keyboard.press('Enter')
    await finished(page)
    await page.getByRole('textbox', { name: words.sidebar.search }).fill('first wording')
    await expect(page.locator(`${list} mark`)).toHaveText('first wording')
    await page.locator('.hit').click()
    await expect(questions(page)).toContainText('the first wording')
  })

  test('export and import', async ({ page }) => {
    await open(page)
    await askAndWait(page, words, 'keep this: a/b')
    const exportAs = async (item: string) => {
      await page.getByRole('button', { name: words.sidebar.actions('keep this: a/b') }).click()
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()])
      return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') }
    }
    const markdown = await exportAs(words.sidebar.exportMarkdown)
    expect(markdown.name).toBe('keep this a b.md')
    expect(markdown.text).toContain('## User\n\nkeep this: a/b\n\n## Assistant (Qwen/Qwen3-4B-GGUF)\n\nAn ondol warms')
    const json = await exportAs(words.sidebar.exportJson)

    await page.goto('/#/settings')
    await page.locator('input[type=file]').setInputFiles({ name: 'mine.json', mimeType: 'application/json', buffer: Buffer.from(json.text) })
    await expect(page.getByText(words.settings.imported(1))).toBeVisible()
    await expect(page.locator(`${list} .conversation`)).toHaveCount(2)
    await page.locator('input[type=file]').setInputFiles({ name: 'other.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') })
    await expect(page.getByText(words.settings.importFailed('other.json'))).toBeVisible()
    const [all] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: words.settings.exportAll }).click()])
    expect(JSON.parse(readFileSync(await all.path(), 'utf8')).conversations).toHaveLength(2)
    await page.locator(`${list} .conversation a`).first().click()
    await expect(lastAnswer(page)).toContainText('An ondol warms')
  })

  test('one conversation goes on being answered while another is read', async ({ page }) => {
    await open(page)
    await ask(page, words, 'speak slowly')
    await page.getByRole('button', { name: words.sidebar.newChat }).first().click()
    await expect(page.getByRole('img', { name: words.sidebar.answering })).toBeVisible()
    await askAndWait(page, words, 'another one')
    await page.locator(`${list} a`, { hasText: 'speak slowly' }).click()
    await expect(page.locator('article[aria-busy=true]')).toHaveCount(1)
    await page.keyboard.press('Escape')
    await expect(lastAnswer(page)).toContainText(words.chat.stopped)
  })

  test('an unknown conversation says so', async ({ page }) => {
    await open(page, '#/c/nothing')
    await expect(page.getByText(words.welcome.gone)).toBeVisible()
    await expect(composer(page, words)).toBeVisible()
  })
})
