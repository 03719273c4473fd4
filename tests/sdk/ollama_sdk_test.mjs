// Ollama's own JavaScript client against `ondol serve` with the sample model. Exit status 77: it is not installed.
//
// usage: node ollama_sdk_test.mjs ONDOL SOURCE_DIR NODE_MODULES
import assert from 'node:assert/strict'
import { load, run, serve } from './served.mjs'

const [ondol, source, modules] = process.argv.slice(2)
const module = await load('ollama', modules)
const server = await serve(ondol, source, false)
const client = new (module.Ollama ?? module.constructor)({ host: server.url })

const messages = [{ role: 'user', content: 'Hello' }]
const options = { temperature: 0, num_predict: 16 }
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather',
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
    const answer = await client.chat({ model: 'sample', messages, options })
    assert.equal(answer.done, true)
    assert.equal(answer.message.role, 'assistant')
    assert.ok(answer.total_duration > 0)
  },

  async streaming() {
    const whole = await client.chat({ model: 'sample', messages, options })
    let text = ''
    let last = null
    for await (const part of await client.chat({ model: 'sample', messages, options, stream: true })) {
      text += part.message.content
      last = part
    }
    assert.equal(text, whole.message.content)
    assert.equal(last.done_reason, whole.done_reason)
  },

  async tools() {
    const forced = { tools: [weather], tool_choice: 'required', parallel_tool_calls: false }
    const answer = await client.chat({ model: 'sample', messages, options: { num_predict: 200 }, ...forced })
    assert.equal(answer.message.tool_calls[0].function.name, 'get_weather')
    assert.equal(typeof answer.message.tool_calls[0].function.arguments.city, 'string')
    const after = await client.chat({
      model: 'sample',
      messages: [...messages, answer.message, { role: 'tool', content: 'sunny', tool_name: 'get_weather' }],
      options,
    })
    assert.equal(after.done, true)
  },

  async structuredOutput() {
    const format = {
      type: 'object',
      properties: { yes: { type: 'boolean' } },
      required: ['yes'],
      additionalProperties: false,
    }
    const answer = await client.chat({ model: 'sample', messages, format, options: { num_predict: 100 } })
    assert.equal(typeof JSON.parse(answer.message.content).yes, 'boolean')
  },

  async generateAndEmbed() {
    const answer = await client.generate({ model: 'sample', prompt: 'Once', raw: true, options })
    assert.equal(typeof answer.response, 'string')
    const { embeddings } = await client.embed({ model: 'sample', input: ['a cat', 'a dog'] })
    assert.equal(embeddings.length, 2)
  },

  async models() {
    assert.deepEqual((await client.list()).models.map((model) => model.name), ['sample'])
    assert.equal((await client.ps()).models[0].name, 'sample')
    assert.deepEqual((await client.show({ model: 'sample' })).capabilities, ['completion'])
    assert.match((await client.version()).version, /^0\./)
  },

  async errors() {
    await assert.rejects(client.chat({ model: 'none', messages }), (e) => e.status_code === 404)
    await assert.rejects(client.chat({ model: 'sample', messages, options: { num_ctx: 100000 } }), /1024/)
    await assert.rejects(client.copy({ source: 'sample', destination: 'other' }), /copy/)
    await assert.rejects(client.pull({ model: 'org/nothing' }), /org\/nothing/)
  },

  async cancellation() {
    // It goes on for long, whatever the model would rather say.
    const format = { type: 'array', minItems: 200, items: { enum: ['a', 'b'] } }
    const stream = await client.chat({ model: 'sample', messages, format, stream: true })
    try {
      for await (const _ of stream) stream.abort()
    } catch (error) {
      assert.equal(error.name, 'AbortError')
    }
    assert.ok(await server.becomesIdle())
  },
}

await run(tests, server)
