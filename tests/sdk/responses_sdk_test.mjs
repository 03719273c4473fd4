// The Responses API of OpenAI's own JavaScript client against `ondol serve` with the sample model. Exit status 77: it is
// not installed.
//
// usage: node responses_sdk_test.mjs ONDOL SOURCE_DIR NODE_MODULES
import assert from 'node:assert/strict'
import { KEY, load, run, serve } from './served.mjs'

const [ondol, source, modules] = process.argv.slice(2)
const OpenAI = await load('openai', modules)
const server = await serve(ondol, source)
const { responses } = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0, timeout: 120_000 })

const create = (fields = {}) =>
  responses.create({ model: 'sample', input: 'Hello', temperature: 0, max_output_tokens: 16, ...fields })
const weather = {
  type: 'function',
  name: 'get_weather',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Seoul', 'Busan'] } },
    required: ['city'],
    additionalProperties: false,
  },
}

const tests = {
  async 'create, retrieve, delete'() {
    const response = await create()
    assert.equal(response.output_text, response.output[0].content[0].text)
    assert.equal(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)
    assert.deepEqual((await responses.retrieve(response.id)).output, response.output)
    for await (const item of responses.inputItems.list(response.id)) assert.equal(item.content[0].text, 'Hello')
    await responses.delete(response.id)
    await assert.rejects(responses.retrieve(response.id), (e) => e instanceof OpenAI.NotFoundError)
  },

  async 'stream helper'() {
    const whole = await create()
    let text = ''
    let last
    const stream = responses.stream({ model: 'sample', input: 'Hello', temperature: 0, max_output_tokens: 16 })
    stream.on('response.output_text.delta', (event) => { text += event.delta })
    for await (const event of stream) last = event
    assert.equal(text, whole.output_text)
    assert.equal(last.type, `response.${whole.status}`)
    let n = 3
    for await (const event of await responses.retrieve(last.response.id, { stream: true, starting_after: 2 })) {
      assert.equal(event.sequence_number, n++)
    }
    assert.equal(n, last.sequence_number + 1)
  },

  async conversation() {
    const first = await create({ input: 'Once upon a time' })
    const second = await create({ input: 'Go on', previous_response_id: first.id })
    const input = [{ role: 'user', content: 'Once upon a time' }, ...first.output, { role: 'user', content: 'Go on' }]
    const resent = await create({ input })
    assert.equal(second.usage.input_tokens, resent.usage.input_tokens)
    assert.equal(second.output_text, resent.output_text)
  },

  async cancel() {
    const long = await create({ background: true, max_output_tokens: 100000, ignore_eos: true })
    assert.equal((await responses.cancel(long.id)).status, 'cancelled')
    assert.equal((await responses.retrieve(long.id)).status, 'cancelled')
  },

  async 'a tool that must be called, and structured output'() {
    const fields = { tools: [weather], tool_choice: 'required', parallel_tool_calls: false, max_output_tokens: 100 }
    const stream = responses.stream({ model: 'sample', input: 'Hello', ...fields })
    const call = (await stream.finalResponse()).output.at(-1)
    assert.equal(call.name, 'get_weather')
    assert.ok(['Seoul', 'Busan'].includes(JSON.parse(call.arguments).city))
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer', minimum: 0, maximum: 9 } },
      required: ['n'],
      additionalProperties: false,
    }
    const format = { type: 'json_schema', name: 's', strict: true, schema }
    const answer = await responses.parse({ model: 'sample', input: 'n?', max_output_tokens: 50, text: { format } })
    assert.ok(Number.isInteger(answer.output_parsed.n))
  },

  async errors() {
    await assert.rejects(create({ model: 'gpt-4o' }), (e) => e instanceof OpenAI.NotFoundError)
    await assert.rejects(create({ previous_response_id: 'resp_none' }), (e) => e.code === 'previous_response_not_found')
  },
}

await run(tests, server)
