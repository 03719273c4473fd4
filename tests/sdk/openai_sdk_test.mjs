// OpenAI's own JavaScript client against `ondol serve` with the sample model. Exit status 77: it is not installed.
//
// usage: node openai_sdk_test.mjs ONDOL SOURCE_DIR NODE_MODULES
import assert from 'node:assert/strict'
import { KEY, load, run, serve } from './served.mjs'

const [ondol, source, modules] = process.argv.slice(2)
const OpenAI = await load('openai', modules)
const server = await serve(ondol, source)
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: KEY, maxRetries: 0, timeout: 120_000 })

const hello = [{ role: 'user', content: 'Hello' }]
const create = (fields = {}) =>
  client.chat.completions.create({ model: 'sample', messages: hello, temperature: 0, max_tokens: 16, ...fields })
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    strict: true,
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Seoul', 'Busan'] } },
      required: ['city'],
      additionalProperties: false,
    },
  },
}

const tests = {
  async chat() {
    const answer = await create()
    assert.equal(answer.object, 'chat.completion')
    assert.equal(answer.choices[0].message.role, 'assistant')
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
  },

  async streaming() {
    const whole = await create()
    let text = ''
    let usage = null
    for await (const chunk of await create({ stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta?.content ?? ''
      usage = chunk.usage ?? usage
    }
    assert.equal(text, whole.choices[0].message.content)
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens)
  },

  async 'a tool that must be called, streamed through the helper'() {
    const stream = client.chat.completions.stream({
      model: 'sample', messages: hello, tools: [weather], tool_choice: 'required', parallel_tool_calls: false, max_tokens: 200,
    })
    const final = await stream.finalChatCompletion()
    assert.equal(final.choices[0].finish_reason, 'tool_calls')
    const [call] = final.choices[0].message.tool_calls
    assert.equal(call.function.name, 'get_weather')
    assert.ok(['Seoul', 'Busan'].includes(JSON.parse(call.function.arguments).city))
  },

  async 'structured output'() {
    const schema = {
      type: 'object',
      properties: { yes: { type: 'boolean' }, n: { type: 'integer', minimum: 0, maximum: 9 } },
      required: ['yes', 'n'],
      additionalProperties: false,
    }
    const answer = await create({
      max_tokens: 100, response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } },
    })
    const value = JSON.parse(answer.choices[0].message.content)
    assert.deepEqual(Object.keys(value), ['yes', 'n'])
    assert.equal(typeof value.yes, 'boolean')
    assert.ok(Number.isInteger(value.n) && value.n >= 0 && value.n <= 9)
  },

  async logprobs() {
    const answer = await create({ logprobs: true, top_logprobs: 2, max_tokens: 4 })
    assert.ok(answer.choices[0].logprobs.content.every((token) => token.logprob <= 0 && token.top_logprobs.length === 2))
  },

  async embeddings() {
    const { data } = await client.embeddings.create({ model: 'sample', input: ['a cat', 'a dog'] })
    assert.equal(data.length, 2)
    assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3)
  },

  async completions() {
    const answer = await client.completions.create({ model: 'sample', prompt: 'Once upon', max_tokens: 5, temperature: 0 })
    assert.equal(typeof answer.choices[0].text, 'string')
  },

  async models() {
    const ids = []
    for await (const model of client.models.list()) ids.push(model.id)
    assert.deepEqual(ids, ['sample'])
    assert.equal((await client.models.retrieve('sample')).id, 'sample')
  },

  async errors() {
    await assert.rejects(create({ model: 'gpt-4o' }), (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found')
    await assert.rejects(create({ temperature: 'hot' }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'temperature')
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    await assert.rejects(stranger.models.list(), (e) => e instanceof OpenAI.AuthenticationError)
  },

  async cancellation() {
    const stream = await create({ stream: true, max_tokens: 900, ignore_eos: true })
    for await (const _ of stream) {
      stream.controller.abort()
      break
    }
    // The server has nothing left to do.
    assert.ok(await server.becomesIdle())
  },
}

await run(tests, server)
