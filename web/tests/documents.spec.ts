import AxeBuilder from '@axe-core/playwright'
import type { Messages } from '../src/i18n/en'
import { expect, inBothLanguages, open, sent, setMock, test } from './helpers'
import type { Page } from '@playwright/test'

const MANUAL = '# Manual\n\nThe lighthouse was built in 1908.\n\nIts lamp turns once in twelve seconds.\n\n보증 기간은 24개월입니다.\n'
const HOSTILE = '<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2"> the storm <b>broke</b> the mast\n'

interface Upload { name: string; text: string }

const buffers = (files: Upload[]) => files.map(({ name, text }) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) }))

/** A collection with files that have been read. */
async function collection(page: Page, { documents: words }: Messages, files: Upload[], name = 'Manuals'): Promise<void> {
  await open(page, '#/documents')
  await page.getByLabel(words.name).fill(name)
  await page.getByRole('button', { name: words.create, exact: true }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name)
  if (files.length > 0) await put(page, words, files)
}

async function put(page: Page, words: Messages['documents'], files: Upload[]): Promise<void> {
  await page.locator('input[type=file]').setInputFiles(buffers(files))
  const list = page.getByRole('list', { name: words.files, exact: true })
  for (const file of files) await expect(list.getByRole('listitem').filter({ hasText: file.name })).toContainText(words.states.completed, { timeout: 15_000 })
}

async function askDocuments(page: Page, words: Messages['documents'], question: string): Promise<void> {
  const before = await page.locator('.turn').count()
  await page.getByLabel(words.question, { exact: true }).fill(question)
  await page.getByLabel(words.question, { exact: true }).press('Enter')
  await expect(page.locator('.turn')).toHaveCount(before + 1)
  await expect(page.locator('.turn[aria-busy=true]')).toHaveCount(0)
}

/** Whether the passage lies within what is seen of the text. */
const passageIsSeen = (page: Page) => page.evaluate(() => {
  const box = document.querySelector('.document-text')!.getBoundingClientRect()
  const mark = document.querySelector('.document-text .passage')!.getBoundingClientRect()
  return mark.top >= box.top && mark.bottom <= box.bottom
})

inBothLanguages(({ words: all }) => {
  const words = all.documents

  test('a collection is made, renamed and deleted', async ({ page }) => {
    await open(page)
    await page.getByRole('link', { name: all.sidebar.documents }).click()
    await expect(page.getByText(words.none)).toBeVisible()
    await expect(page).toHaveTitle(`${words.title} · Ondol`)
    await expect(page.getByRole('button', { name: words.create, exact: true })).toBeDisabled()
    await collection(page, all, [{ name: 'a.md', text: MANUAL }])
    await page.getByRole('button', { name: words.actions('Manuals') }).click()
    await page.getByRole('menuitem', { name: words.rename }).click()
    const rename = page.getByRole('dialog', { name: words.renameTitle })
    await expect(rename.getByLabel(words.name)).toBeFocused()
    await rename.getByLabel(words.name).fill('설명서')
    await rename.getByLabel(words.name).press('Enter')
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('설명서')
    await page.getByRole('link', { name: words.all }).click()
    const card = page.locator('.collection')
    await expect(card).toContainText('설명서')
    await expect(card).toContainText(words.nFiles(1))
    await page.getByRole('button', { name: words.actions('설명서') }).click()
    await page.getByRole('menuitem', { name: words.delete }).click()
    const question = page.getByRole('dialog', { name: words.deleteTitle })
    await question.getByRole('button', { name: all.common.cancel }).click()
    await expect(card).toHaveCount(1)
    await page.getByRole('button', { name: words.actions('설명서') }).click()
    await page.getByRole('menuitem', { name: words.delete }).click()
    await question.getByRole('button', { name: all.common.delete }).click()
    await expect(page.getByText(words.none)).toBeVisible()
    await expect(page.getByText(words.deleted('설명서'))).toBeVisible()
    // What the page put there is gone, too.
    await expect.poll(async () => ((await (await page.request.get('/v1/files')).json()) as { data: unknown[] }).data).toEqual([])
  })

  test('files are sent, read while one watches, and removed', async ({ page }) => {
    await setMock(page, { readMs: 2500 })
    await collection(page, all, [])
    await expect(page.getByText(words.empty)).toBeVisible()
    await page.locator('input[type=file]').setInputFiles(buffers([{ name: 'a.md', text: MANUAL }, { name: 'broken.pdf', text: 'x' }, { name: 'c.txt', text: 'c' }]))
    const list = page.getByRole('list', { name: words.files, exact: true })
    const row = (name: string) => list.getByRole('listitem').filter({ hasText: name })
    await expect(row('a.md')).toContainText(words.states.in_progress)
    await expect(page.getByRole('progressbar', { name: words.reading('0', '3') })).toBeVisible()
    await expect(row('a.md')).toContainText(words.states.completed, { timeout: 15_000 })
    await expect(row('broken.pdf')).toContainText(words.states.failed, { timeout: 15_000 })
    await expect(row('broken.pdf')).toContainText('expected a PDF, got something else')
    await expect(row('c.txt')).toContainText(words.states.completed)
    await expect(page.getByRole('log')).toContainText(words.cannotRead('broken.pdf'))
    await expect(page.locator('.page-body > .facts')).toContainText(words.nFailed(1))
    await page.getByRole('button', { name: words.remove('broken.pdf') }).click()
    await page.getByRole('dialog', { name: words.removeTitle }).getByRole('button', { name: words.removeIt }).click()
    await expect(row('broken.pdf')).toHaveCount(0)
    await expect(page.getByText(words.nFailed(1))).toHaveCount(0)
    const kept = async () => ((await (await page.request.get('/v1/files')).json()) as { data: { filename: string }[] }).data.map((f) => f.filename)
    expect(await kept()).toEqual(['a.md', 'c.txt'])
    await page.reload() // names come from the server then
    await expect(row('c.txt')).toContainText(words.states.completed)
  })

  test('what cannot be sent says why, and is sent again', async ({ page }) => {
    await collection(page, all, [])
    let isDown = true
    await page.route('**/v1/files', (route) => (isDown && route.request().method() === 'POST' ? route.abort() : route.continue()))
    await page.locator('input[type=file]').setInputFiles(buffers([{ name: 'a.md', text: MANUAL }]))
    const way = page.getByRole('list', { name: words.sending })
    await expect(way.getByRole('alert')).toBeVisible()
    isDown = false
    await page.getByRole('button', { name: words.retrySending('a.md') }).click()
    await expect(way).toHaveCount(0)
    await expect(page.getByRole('button', { name: words.show('a.md') })).toBeVisible({ timeout: 10_000 })
    await page.locator('input[type=file]').setInputFiles(buffers([{ name: 'refused.md', text: 'x' }, { name: 'd.md', text: 'd' }]))
    await expect(way.getByRole('listitem').filter({ hasText: 'refused.md' }).getByRole('alert')).toContainText('at most 10000 files')
    await expect(page.getByRole('button', { name: words.show('d.md') })).toBeVisible({ timeout: 10_000 })
    await page.getByRole('button', { name: words.dismissSending('refused.md') }).click()
    await expect(way).toHaveCount(0)
  })

  test('an upload shows how far it is, and is cancelled', async ({ page }) => {
    await collection(page, all, [])
    await page.route('**/v1/files', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      await new Promise((done) => setTimeout(done, 4000))
      return route.continue().catch(() => undefined)
    })
    await page.locator('input[type=file]').setInputFiles(buffers([1, 2, 3].map((n) => ({ name: `${n}.txt`, text: 'x'.repeat(500_000) }))))
    await expect(page.getByRole('progressbar', { name: words.sendingLabel('1.txt') })).toBeVisible()
    await expect(page.getByRole('progressbar', { name: words.sendingLabel('2.txt') })).toBeVisible()
    const third = page.getByRole('list', { name: words.sending }).getByRole('listitem').filter({ hasText: '3.txt' })
    await expect(third).toContainText(words.waiting)
    for (const name of ['3.txt', '1.txt', '2.txt']) await page.getByRole('button', { name: words.cancelSending(name) }).click()
    await expect(page.getByRole('list', { name: words.sending })).toHaveCount(0)
    await page.waitForTimeout(500)
    await expect(page.getByText(words.noFiles)).toBeVisible()
  })

  test('files and folders are dropped', async ({ page }) => {
    await collection(page, all, [])
    const transfer = await page.evaluateHandle((text) => {
      const data = new DataTransfer()
      data.items.add(new File([text], 'dropped.md'))
      data.items.add(new File([text], 'other.md'))
      return data
    }, MANUAL)
    await page.locator('.collection-view').dispatchEvent('dragover', { dataTransfer: transfer })
    await expect(page.getByText(words.dropAll)).toBeVisible()
    await page.locator('.collection-view').dispatchEvent('drop', { dataTransfer: transfer })
    await expect(page.getByText(words.dropAll)).toHaveCount(0)
    for (const name of ['dropped.md', 'other.md']) await expect(page.getByRole('button', { name: words.show(name) })).toBeVisible({ timeout: 10_000 })
  })

  test('the files can be chosen with a click', async ({ page }) => {
    await collection(page, all, [])
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: words.choose }).click()])
    expect(chooser.isMultiple()).toBe(true)
  })

  test('an answer cites passages, and each opens its document there', async ({ page }) => {
    const far = `${'A line about nothing.\n'.repeat(1500)}The beacon was lit in 1911, 등대는 빛난다.\n${'Another line.\n'.repeat(1500)}`
    await collection(page, all, [{ name: 'manual.md', text: MANUAL }, { name: 'far.txt', text: far }])
    await askDocuments(page, words, 'When was the lighthouse built?')
    const turn = page.locator('.turn')
    await expect(turn.getByRole('heading', { name: words.written('Qwen3-4B-GGUF') })).toBeVisible()
    await expect(turn.locator('.claim').first()).toContainText('built in 1908')
    await expect(turn.locator('.claim').first()).toContainText(words.nSources(1))
    const source = turn.locator('.source').first()
    await expect(source).toContainText('manual.md')
    await expect(source).toContainText(words.line('3'))
    await expect(source.locator('blockquote')).toHaveText('The lighthouse was built in 1908.')
    await expect(page.getByRole('log')).toContainText('built in 1908')
    await turn.getByRole('button', { name: words.cite(1, `manual.md, ${words.line('3')}`) }).click()
    const dialog = page.getByRole('dialog', { name: 'manual.md' })
    await expect(dialog.locator('.document-text .passage')).toHaveText('The lighthouse was built in 1908.')
    await expect(dialog.getByRole('region', { name: words.text('manual.md') })).toContainText('보증 기간은 24개월')
    await page.keyboard.press('Escape')
    await expect(dialog).toHaveCount(0)
    // Far down in a long text, after many bytes that are more than a character.
    await askDocuments(page, words, 'which beacon was lit in 1911')
    await turn.last().getByRole('button', { name: words.openLabel(1, 'far.txt') }).click()
    await expect(page.locator('.document-text .passage')).toHaveText('The beacon was lit in 1911, 등대는 빛난다.')
    expect(await passageIsSeen(page)).toBe(true)
    await page.locator('.document-text').evaluate((node) => (node.scrollTop = 0))
    await page.getByRole('button', { name: words.toPassage }).click()
    expect(await passageIsSeen(page)).toBe(true)
    await page.getByRole('button', { name: words.earlier }).click() // which is at the top
    expect(await page.locator('.document-text').evaluate((node) => node.scrollTop), 'what was seen stays').toBeGreaterThan(1000)
    await expect(page.getByRole('button', { name: words.earlier })).toHaveCount(0)
  })

  test('a PDF opens at its page, other originals are saved', async ({ page }) => {
    await collection(page, all, [{ name: 'manual.pdf', text: MANUAL }, { name: 'note.docx', text: 'The anchor weighs two tons.\n' }])
    await askDocuments(page, words, 'lighthouse built')
    await expect(page.locator('.source').first()).toContainText(words.page('2'))
    await page.locator('.cite').first().click()
    await expect(page.locator('.page-mark')).toHaveText([words.page('1'), words.page('2')])
    await expect(page.getByText(`${words.missing} A picture on page 2.`)).toBeVisible()
    // A browser without a viewer for PDF saves the file: what matters is where the new window is sent.
    await page.evaluate(() => {
      const wide = window as unknown as { opened: string[]; open: unknown }
      wide.opened = []
      wide.open = () => ({ opener: window, location: { replace: (url: string) => wide.opened.push(url) }, close: () => undefined })
      const create = URL.createObjectURL.bind(URL)
      URL.createObjectURL = (blob: Blob) => (wide.opened.push(blob.type), create(blob))
    })
    await page.getByRole('button', { name: words.originalAt('2') }).click()
    const opened = () => page.evaluate(() => (window as unknown as { opened: string[] }).opened)
    await expect.poll(opened).toEqual(['application/pdf', expect.stringMatching(/^blob:http.*#page=2$/)])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: words.show('note.docx') }).click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: words.saveOriginal }).click()])
    expect(download.suggestedFilename()).toBe('note.docx')
  })

  test('what documents do not say, contradict or hardly support is said plainly', async ({ page }) => {
    await collection(page, all, [{ name: 'a.md', text: 'The lighthouse was built in 1908.\n' }, { name: 'b.md', text: 'The lighthouse was built in 1911.\n' }])
    const turn = page.locator('.turn').last()
    await askDocuments(page, words, 'Where do penguins live?')
    await expect(turn.locator('.declined')).toHaveText(words.declined)
    await expect(turn).toContainText(words.declinedHint)
    await expect(turn.locator('.cite, .source')).toHaveCount(0)
    await expect(page.getByRole('log')).toContainText(words.declined)
    await askDocuments(page, words, 'do they disagree when the lighthouse was built?')
    await expect(turn.locator('.disagree')).toContainText(words.disagree)
    await expect(turn.locator('.disagree .cite')).toHaveText('2')
    await askDocuments(page, words, 'a loose and unsupported word on the lighthouse')
    await expect(turn.locator('.claim').first()).toContainText(words.weak)
    await expect(turn.locator('.claim').first()).toContainText(words.nSources(2))
    await expect(turn.locator('.unsupported')).toHaveText(words.dropped(2))
  })

  test('a follow-up goes with what was said before, by who was chosen', async ({ page }) => {
    await collection(page, all, [{ name: 'manual.md', text: MANUAL }])
    await page.getByLabel(words.by).selectOption('')
    await askDocuments(page, words, 'When was the lighthouse built?')
    await expect(page.locator('.turn').getByRole('heading', { name: words.quoted })).toBeVisible()
    await page.getByLabel(words.by).selectOption('unsloth/Llama-3.2-1B-Instruct-GGUF')
    await askDocuments(page, words, 'and its lamp?')
    await expect(page.getByRole('heading', { name: words.written('Llama-3.2-1B-Instruct-GGUF') })).toBeVisible()
    const bodies = (await sent(page)) as unknown as { query: string; model?: string; history: { question: string; answer: string }[] }[]
    expect(bodies[1]).toEqual({ query: 'When was the lighthouse built?', history: [], stream: true })
    expect(bodies[0]!.model).toBe('unsloth/Llama-3.2-1B-Instruct-GGUF')
    expect(bodies[0]!.history).toHaveLength(1)
    expect(bodies[0]!.history[0]!.question).toBe('When was the lighthouse built?')
    expect(bodies[0]!.history[0]!.answer).toContain('1908. [1]')
    await page.getByRole('link', { name: all.sidebar.status }).click()
    await page.goBack() // the conversation is still there
    await expect(page.locator('.turn')).toHaveCount(2)
    await page.getByRole('button', { name: words.startOver }).click()
    await expect(page.locator('.turn')).toHaveCount(0)
  })

  test('an answer is stopped, fails and is asked again', async ({ page }) => {
    await collection(page, all, [{ name: 'manual.md', text: MANUAL }])
    await page.getByLabel(words.question, { exact: true }).fill('slowly, the lighthouse')
    await page.getByLabel(words.question, { exact: true }).press('Enter')
    await expect(page.locator('.turn').getByRole('status')).toHaveText(words.asking)
    // What has passed its checks is there before the rest.
    await expect(page.locator('.turn .claim')).toHaveCount(1)
    await page.getByRole('button', { name: all.composer.stop }).click()
    await expect(page.locator('.turn')).toContainText(all.chat.stopped)
    await page.getByLabel(words.question, { exact: true }).fill('slowly, once more')
    await page.getByLabel(words.question, { exact: true }).press('Enter')
    await page.getByLabel(words.question, { exact: true }).press('Escape')
    await expect(page.locator('.turn').last()).toContainText(all.chat.stopped)
    await askDocuments(page, words, 'fail')
    const last = page.locator('.turn').last()
    await expect(last.getByRole('alert')).toContainText('the disk is on fire')
    await last.getByRole('button', { name: all.common.retry }).click()
    await expect(last.getByRole('alert')).toContainText('the disk is on fire')
    await expect(page.locator('.turn')).toHaveCount(3)
  })

  test('a search lists passages with its words marked', async ({ page }) => {
    await collection(page, all, [{ name: 'manual.pdf', text: MANUAL }, { name: 'b.md', text: 'A lighthouse is white.\n' }])
    await page.getByText(words.modes.search, { exact: true }).click()
    const field = page.getByLabel(words.query, { exact: true })
    await field.fill('lighthouse 1908')
    await page.getByRole('button', { name: words.search, exact: true }).click()
    const results = page.getByRole('region', { name: words.results })
    await expect(results.locator('.source')).toHaveCount(2)
    await expect(results.getByText(words.nFound(2))).toBeVisible()
    await expect(results.locator('.source').first()).toContainText(words.page('2'))
    await expect(results.locator('.source').first().locator('mark')).toHaveText(['lighthouse', '1908'])
    await results.getByRole('button', { name: words.openFound('b.md', 2) }).click()
    await expect(page.getByRole('dialog', { name: 'b.md' }).locator('.document-text .passage')).toHaveText('A lighthouse is white.')
    await page.keyboard.press('Escape')
    await field.fill('보증')
    await field.press('Enter')
    await expect(results.locator('mark')).toHaveText('보증')
    await field.fill('penguin')
    await field.press('Enter')
    await expect(page.getByText(words.nothing)).toBeVisible()
    await field.fill('fail')
    await field.press('Enter')
    await expect(page.getByRole('alert')).toContainText('the disk is on fire')
  })

  test('text of documents never becomes part of the page', async ({ page }) => {
    await collection(page, all, [{ name: '<b>storm.md', text: HOSTILE }], '<i>sea')
    await askDocuments(page, words, '<u>storm')
    await expect(page.locator('.claim')).toContainText('<script>window.hurt = 1</script>')
    await page.locator('.cite').click()
    await expect(page.locator('.document-text .passage')).toContainText('<img src=x')
    await page.keyboard.press('Escape')
    await page.getByText(words.modes.search, { exact: true }).click()
    await page.getByLabel(words.query, { exact: true }).fill('storm')
    await page.keyboard.press('Enter')
    await expect(page.locator('.found-text')).toContainText('<b>broke</b>')
    await expect(page.locator('main :is(script, img, b, i:not(.embers i), u)')).toHaveCount(0)
    expect(await page.evaluate(() => (window as unknown as { hurt?: number }).hurt)).toBeUndefined()
  })

  test('stores of this machine are asked, and not changed', async ({ page }) => {
    await setMock(page, { named: true })
    await open(page, '#/documents')
    const card = page.locator('.collection')
    await expect(card).toContainText(words.readOnly)
    await expect(page.getByRole('button', { name: words.actions('notes') })).toHaveCount(0)
    await card.getByRole('link').click()
    await expect(page.getByRole('button', { name: words.choose })).toHaveCount(0)
    await expect(page.getByRole('button', { name: words.remove('diary.md') })).toHaveCount(0)
    await expect(page.locator('.file')).toContainText('/home/me/diary.md')
    await askDocuments(page, words, 'When was the stove repaired?')
    await expect(page.locator('.source')).toContainText('diary.md')
    await page.locator('.cite').click()
    await expect(page.getByRole('dialog').locator('.passage')).toHaveText('On Monday the stove was repaired.')
    await expect(page.getByRole('dialog').getByRole('alert')).toHaveText(words.noText)
  })

  test('a collection that is gone is said to be', async ({ page }) => {
    await open(page, '#/documents/vs_gone')
    await expect(page.getByRole('alert')).toHaveText(words.gone)
    await page.getByRole('link', { name: words.all }).click()
    await expect(page.getByText(words.none)).toBeVisible()
  })

  test('a server that wants a key is given one before files are sent', async ({ page }) => {
    await collection(page, all, [])
    await setMock(page, { key: 'secret' })
    await page.locator('input[type=file]').setInputFiles(buffers([{ name: 'a.md', text: MANUAL }]))
    const dialog = page.getByRole('dialog', { name: all.key.title })
    await dialog.getByLabel(all.key.label).fill('secret')
    await dialog.getByRole('button', { name: all.key.submit }).click()
    await expect(page.getByRole('button', { name: words.show('a.md') })).toBeVisible({ timeout: 15_000 })
  })

  test('many files are listed in parts', async ({ page }) => {
    await setMock(page, { readMs: 0 })
    await collection(page, all, [])
    await page.evaluate(async () => {
      const store = location.hash.split('/').at(-1)
      for (let i = 0; i < 130; i++) {
        const form = new FormData()
        form.append('file', new File(['x'], `n${i}.txt`))
        const { id } = (await (await fetch('/v1/files', { method: 'POST', body: form })).json()) as { id: string }
        await fetch(`/v1/vector_stores/${store}/files`, { method: 'POST', body: JSON.stringify({ file_id: id }) })
      }
    })
    await page.reload()
    await expect(page.locator('.file')).toHaveCount(100)
    await page.getByRole('button', { name: words.more }).click()
    await expect(page.locator('.file')).toHaveCount(130)
    await expect(page.getByRole('button', { name: words.more })).toHaveCount(0)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [device, viewport] of [['desktop', { width: 1280, height: 800 }], ['phone', { width: 360, height: 740 }]] as const) {
      test(`accessible, and nothing wider than the screen: ${colorScheme}, ${device}`, async ({ page }) => {
        test.setTimeout(60_000)
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize(viewport)
        const check = async (view: string) => {
          await page.waitForTimeout(350)
          const { violations } = await new AxeBuilder({ page }).analyze()
          expect(violations.map((v) => `${view}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(' | ')}`)).toEqual([])
          const wide = await page.evaluate(() => [...document.querySelectorAll('body *')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1 && !n.closest('[inert], .sr-only')).map((n) => n.className))
          expect(wide, view).toEqual([])
          if (process.env.ONDOL_SHOTS) await page.screenshot({ path: `${process.env.ONDOL_SHOTS}/documents-${view}-${all.sidebar.documents}-${colorScheme}-${device}.png` })
        }
        const long = `a-very-long-name-of-a-file-${'x'.repeat(60)}.md`
        await collection(page, all, [{ name: 'manual.pdf', text: MANUAL }, { name: long, text: 'The lighthouse was built in 1911.\n' }])
        await page.locator('input[type=file]').setInputFiles(buffers([{ name: 'broken.pdf', text: 'x' }, { name: 'refused.md', text: 'x' }]))
        await expect(page.locator('.badge-failed')).toBeVisible({ timeout: 10_000 })
        await check('files')
        await askDocuments(page, words, 'penguins?')
        await askDocuments(page, words, 'do they disagree when the lighthouse was built?')
        await askDocuments(page, words, 'a loose and unsupported word on the lighthouse')
        await check('answer')
        await page.locator('.cite').first().click()
        await expect(page.locator('.document-text .passage')).toBeVisible()
        await check('passage')
        await page.keyboard.press('Escape')
        await page.getByText(words.modes.search, { exact: true }).click()
        await page.getByLabel(words.query, { exact: true }).fill('lighthouse')
        await page.keyboard.press('Enter')
        await expect(page.locator('.found-text').first()).toBeVisible()
        await check('search')
        await page.getByRole('button', { name: words.actions('Manuals') }).click()
        await page.getByRole('menuitem', { name: words.delete }).click()
        await check('delete')
        await page.keyboard.press('Escape')
        await page.goto('/#/documents')
        await expect(page.locator('.collection')).toHaveCount(1)
        await check('collections')
      })
    }
  }
})
