// OpenAI's own JavaScript client teaches the sample model of `ondol serve`. Exit status 77: it is not installed.
//
// usage: node tuning_sdk_test.mjs ONDOL SOURCE_DIR NODE_MODULES
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { KEY, load, run, serve } from './served.mjs'

const [ondol, source, modules] = process.argv.slice(2)
const OpenAI = await load('openai', modules)
const data = mkdtempSync(join(tmpdir(), 'ondol-tuning-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))
const server = await serve(ondol, source, true, ['--data-dir', join(data, 'data')])
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0, timeout: 120_000 })

const upload = (text) => client.files.create({ purpose: 'fine-tune', file: new File([text], 'lessons.jsonl') })
const lessons = '{"prompt": "the name of the cat", "completion": " is Hodori"}\n'
const quick = { seq: 32, rank: 4, steps: 6, save_every: 3, priority: 'normal' }

async function ended(job) {
  for (;;) {
    const now = await client.fineTuning.jobs.retrieve(job.id)
    if (now.finished_at) return now
    await wait(50)
  }
}

const tests = {
  async files() {
    const file = await upload(lessons)
    assert.equal(file.filename, 'lessons.jsonl')
    assert.equal(await (await client.files.content(file.id)).text(), lessons)
    assert.equal((await client.files.delete(file.id)).deleted, true)
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError)
  },

  async job() {
    const file = await upload(lessons)
    const job = await client.fineTuning.jobs.create({ model: 'sample', training_file: file.id, suffix: 'cat', ondol: quick })
    const done = await ended(job)
    assert.equal(done.status, 'succeeded')
    const answer = await client.completions.create({ model: done.fine_tuned_model, prompt: 'Hello', max_tokens: 2 })
    assert.equal(answer.choices.length, 1)
    const steps = []
    for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 4 })) {
      if (event.type === 'metrics') steps.push(event.data.step)
    }
    assert.deepEqual(steps, [6, 5, 4, 3, 2, 1])
    const checkpoints = await client.fineTuning.jobs.checkpoints.list(job.id)
    assert.deepEqual(checkpoints.data.map((c) => c.step_number), [6, 3])
  },

  async brokenLine() {
    const file = await upload(`${lessons}no JSON\n`)
    const done = await ended(await client.fineTuning.jobs.create({ model: 'sample', training_file: file.id }))
    assert.equal(done.status, 'failed')
    assert.equal(done.error.param, 'training_file')
    assert.match(done.error.message, /lessons.jsonl:2/)
  },
}

await run(tests, server)
