// Anthropic's own JavaScript client against `ondol serve` with the sample model. Exit status 77: it is not installed.
//
// usage: node anthropic_sdk_test.mjs ONDOL SOURCE_DIR NODE_MODULES
import assert from 'node:assert/strict'
import { KEY, load, run, serve } from './served.mjs'

const [ondol, source, modules] = process.argv.slice(2)
const Anthropic = await load('@anthropic-ai/sdk', modules)
const server = await serve(ondol, source)
const client = new Anthropic({ baseURL: server.url, apiKey: KEY, maxRetries: 0, timeout: 120_000 })

const hello = [{ role: 'user', content: 'Hello' }]
const fields = (more = {}) => ({ model: 'sample', messages: hello, temperature: 0, max_tokens: 16, ...more })
const weather = {
  name: 'get_weather',
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Seoul', 'Busan'] } },
    required: ['city'],
    additionalProperties: false,
  },
}
const force = { type: 'any', disable_parallel_tool_use: true }

const tests = {
  async chat() {
    const answer = await client.messages.create(fields())
    assert.equal(answer.type, 'message')
    assert.equal(answer.content[0].type, 'text')
    assert.ok(['end_turn', 'max_tokens'].includes(answer.stop_reason))
    assert.match(answer._request_id, /^req_/)
  },

  async streaming() {
    const whole = await client.messages.create(fields())
    const stream = client.messages.stream(fields())
    let text = ''
    stream.on('text', (delta) => (text += delta))
    const final = await stream.finalMessage()
    assert.equal(text, whole.content[0].text)
    assert.deepEqual(final.content, whole.content)
    assert.equal(final.usage.output_tokens, whole.usage.output_tokens)
  },

  async tools() {
    const answer = await client.messages.create(fields({ tools: [weather], tool_choice: force, max_tokens: 100 }))
    assert.equal(answer.stop_reason, 'tool_use')
    assert.equal(answer.content.length, 1)
    assert.ok(['Seoul', 'Busan'].includes(answer.content[0].input.city))
    const stream = client.messages.stream(fields({ tools: [weather], tool_choice: force, max_tokens: 100 }))
    const final = await stream.finalMessage()
    assert.deepEqual(final.content[0].input, answer.content[0].input)
    const result = { type: 'tool_result', tool_use_id: final.content[0].id, content: 'sunny' }
    const after = await client.messages.create(
      fields({
        tools: [weather],
        tool_choice: { type: 'none' },
        messages: [...hello, { role: 'assistant', content: final.content }, { role: 'user', content: [result] }],
      }),
    )
    assert.notEqual(after.stop_reason, 'tool_use')
  },

  async betaAndCounting() {
    const answer = await client.beta.messages.create({ ...fields(), betas: ['interleaved-thinking-2025-05-14'] })
    assert.equal(answer.type, 'message')
    const counted = await client.messages.countTokens({ model: 'sample', messages: hello })
    assert.equal(counted.input_tokens, answer.usage.input_tokens + answer.usage.cache_read_input_tokens)
  },

  async models() {
    const ids = []
    for await (const model of client.models.list()) ids.push(model.id)
    assert.deepEqual(ids, ['sample'])
  },

  async errors() {
    // The only model answers to any name, but not with an adapter that it has not.
    assert.ok((await client.messages.create(fields({ model: 'claude-of-some-kind' }))).content.length > 0)
    await assert.rejects(
      client.messages.create(fields({ model: 'sample:none' })),
      (e) => e instanceof Anthropic.NotFoundError,
    )
    await assert.rejects(
      client.messages.create(fields({ max_tokens: 0 })),
      (e) => e instanceof Anthropic.BadRequestError && /max_tokens/.test(e.message),
    )
    const stranger = new Anthropic({ baseURL: server.url, apiKey: 'wrong', maxRetries: 0 })
    await assert.rejects(stranger.messages.create(fields()), (e) => e instanceof Anthropic.AuthenticationError)
  },

  async cancellation() {
    const stream = await client.messages.create(fields({ stream: true, max_tokens: 900 }))
    for await (const _ of stream) {
      stream.controller.abort()
      break
    }
    assert.ok(await server.becomesIdle())
  },
}

await run(tests, server)
