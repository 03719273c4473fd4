import { askAndWait, composer, expect, finished, inBothLanguages, open, questions, sent, test } from './helpers'

inBothLanguages(({ words }) => {
  test('text files are attached by button, paste and drop, and go into the question with their names', async ({ page }) => {
    await open(page)
    await page.locator('input[type=file]').setInputFiles([{ name: 'by-button.md', mimeType: 'text/markdown', buffer: Buffer.from('# 하나') }])
    await expect(page.locator('.chip')).toContainText('by-button.md')
    await composer(page, words).evaluate((node) => {
      const data = new DataTransfer()
      data.items.add(new File(['pasted text'], 'by-paste.txt', { type: 'text/plain' }))
      node.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
    })
    await page.locator('.chat').evaluate((node) => {
      const data = new DataTransfer()
      data.items.add(new File(['int main;'], 'by-drop.c', { type: 'text/x-c' }))
      node.dispatchEvent(new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true }))
      node.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    })
    await expect(page.locator('.chip')).toHaveCount(3)
    await page.getByRole('button', { name: words.composer.remove('by-paste.txt') }).click()
    await askAndWait(page, words, 'what is in these?')
    await expect(page.locator('.chip')).toHaveCount(0)
    await expect(questions(page).locator('.attached')).toHaveCount(2)
    expect((await sent(page))[0]!.messages[0]!.content).toEqual([
      { type: 'text', text: 'File: by-button.md\n```\n# 하나\n```\n\n' },
      { type: 'text', text: 'File: by-drop.c\n```\nint main;\n```\n\n' },
      { type: 'text', text: 'what is in these?' },
    ])
  })

  test('pictures and programs are refused with the reason', async ({ page }) => {
    await open(page)
    const attach = (name: string, mimeType: string, buffer: Buffer) => page.locator('input[type=file]').setInputFiles({ name, mimeType, buffer })
    await attach('cat.png', 'image/png', Buffer.from([0x89, 0x50]))
    await expect(page.getByRole('alert')).toContainText(words.composer.noImages('Qwen3-4B-GGUF', 'cat.png'))
    await attach('a.out', '', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0]))
    await expect(page.getByRole('alert')).toContainText(words.composer.binary('a.out'))
    await attach('big.txt', 'text/plain', Buffer.alloc(2_000_001, 'a'))
    await expect(page.getByRole('alert')).toContainText(words.composer.tooLarge('big.txt'))
    await expect(page.locator('.chip')).toHaveCount(0)
    await page.getByRole('button', { name: words.common.dismiss, exact: true }).click()
    await expect(page.getByRole('alert')).toHaveCount(0)
  })

  test('a file alone is a question', async ({ page }) => {
    await open(page)
    await page.locator('input[type=file]').setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') })
    await page.getByRole('button', { name: words.composer.send }).click()
    await finished(page)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('note.txt')
  })
})
