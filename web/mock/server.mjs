// A stand-in for `ondol serve`: the same wire formats without a model. For development and for the browser tests.
//   node mock/server.mjs [--port 8099] [--dist dist] [--key SECRET]
// What the last question says chooses the answer (answers.mjs); /mock/* lets tests change the server's state.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { agents, cutStreams } from './agents.mjs'
import { planAnswer } from './answers.mjs'
import { documents } from './documents.mjs'
import { freshState, metricsText, modelList } from './state.mjs'
import { teach } from './teach.mjs'

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8099' },
    dist: { type: 'string', default: fileURLToPath(new URL('../dist', import.meta.url)) },
    key: { type: 'string', default: '' },
  },
})

const POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
let state = freshState(options.key)

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function sendJson(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(value))
}

function sendError(response, status, message, code = null, type = 'invalid_request_error') {
  sendJson(response, status, { error: { message, type, param: null, code } })
}

async function textBody(request) {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

const bodyOf = async (request) => JSON.parse((await textBody(request)) || '{}')

function servePage(request, response, path) {
  const manifest = JSON.parse(readFileSync(`${options.dist}/manifest.json`, 'utf8'))
  const file = manifest.files.find((f) => f.path === (path === '/' ? 'index.html' : path.slice(1)))
  if (!file) return sendError(response, 404, `There is nothing at ${path}.`, 'not_found')
  const packed = readFileSync(`${options.dist}/${file.path}.gz`)
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  response.writeHead(200, {
    'Content-Type': file.content_type,
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(takesGzip ? { 'Content-Encoding': 'gzip' } : {}),
  })
  return response.end(takesGzip ? packed : gunzipSync(packed))
}

const textOf = (content) => (typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join(''))

async function chat(request, response) {
  const body = await bodyOf(request)
  state.requests.push(body)
  const model = state.models.find((m) => m.id === body.model)
  if (!model) return sendError(response, 404, `The model '${body.model}' does not exist.`, 'model_not_found')
  const last = body.messages.at(-1)
  const plan = planAnswer(body, textOf(last.content), textOf(body.messages.findLast((m) => m.role === 'user')?.content))
  if (plan.error) return sendError(response, plan.error.status, plan.error.message, plan.error.code)

  const began = Date.now()
  let gone = false
  response.on('close', () => (gone = true))
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
  const id = `chatcmpl-${began}`
  const write = (part) => response.write(`data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: Math.floor(began / 1000), model: body.model, ...part })}\n\n`)
  const delta = (value) => write({ choices: [{ index: 0, delta: value, finish_reason: null }] })

  state.running++
  await wait(plan.waitMs ?? 60)
  const promptMs = Date.now() - began
  model.ondol.state = 'loaded'
  model.ondol.loaded_context = Math.min(model.ondol.context_length, 8192)
  delta({ role: 'assistant', content: '' })
  let n = 0
  for (const piece of plan.pieces) {
    if (gone) break
    if (piece === 'BREAK') {
      state.running--
      // A browser drops what it has not read yet when a connection breaks.
      await wait(150)
      return response.destroy()
    }
    if (piece.error) write({ choices: [], error: piece.error })
    else delta(piece)
    n++
    if (plan.everyMs) await wait(plan.everyMs)
  }
  state.running--
  const promptTokens = Math.ceil(JSON.stringify(body.messages).length / 4)
  state.count(n, promptTokens, promptMs / 1000)
  if (gone) return undefined
  write({ choices: [{ index: 0, delta: {}, finish_reason: plan.finish ?? 'stop' }] })
  if (body.stream_options?.include_usage) {
    write({
      choices: [],
      usage: { prompt_tokens: promptTokens, completion_tokens: n, total_tokens: promptTokens + n, prompt_tokens_details: { cached_tokens: Math.floor(promptTokens / 2) } },
      timings: { prompt_n: promptTokens, cached_n: Math.floor(promptTokens / 2), prompt_ms: promptMs, predicted_n: n, predicted_ms: Math.max(1, Date.now() - began - promptMs) },
    })
  }
  return response.end('data: [DONE]\n\n')
}

async function pull(request, response) {
  const { model } = await bodyOf(request)
  let gone = false
  response.on('close', () => (gone = true))
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  const write = (line) => response.write(`${JSON.stringify(line)}\n`)
  write({ status: 'pulling manifest' })
  await wait(150)
  if (/missing/.test(model)) return response.end(`${JSON.stringify({ error: `There is no model '${model}' on the hub.` })}\n`)
  const total = 640_000_000
  const steps = state.pullSteps
  for (let i = 0; i <= steps && !gone; i++) {
    write({ status: 'pulling model', digest: 'sha256:0123', total, completed: Math.round((total * i) / steps) })
    await wait(150)
  }
  if (gone) return undefined
  state.addModel(model, total)
  return response.end(`${JSON.stringify({ status: 'success' })}\n`)
}

async function remove(request, response) {
  const { model } = await bodyOf(request)
  if (!state.models.some((m) => m.id === model)) return sendError(response, 404, `The model '${model}' does not exist.`, 'model_not_found')
  state.models = state.models.filter((m) => m.id !== model)
  return sendJson(response, 200, {})
}

async function control(request, response, path) {
  if (path === '/mock/reset') state = freshState(options.key)
  else if (path === '/mock/requests') return sendJson(response, 200, state.requests)
  else if (path === '/mock/cut') cutStreams(state)
  else Object.assign(state, await bodyOf(request))
  return sendJson(response, 200, {})
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://localhost')
  const path = url.pathname
  const route = `${request.method} ${path}`
  if (path.startsWith('/mock/')) return control(request, response, path)
  const needsKey = path.startsWith('/v1/') || path.startsWith('/api/') || path === '/metrics'
  if (needsKey && state.key && request.headers.authorization !== `Bearer ${state.key}`) {
    return sendError(response, 401, 'This server needs an API key.', 'invalid_api_key', 'authentication_error')
  }
  if (await agents(state, request, response, url, () => textBody(request))) return undefined
  const taught = await teach(state, request.method, url, () => textBody(request))
  if (taught) return sendJson(response, taught.status, taught.value)
  const about = await documents(state, request.method, url, () => textBody(request))
  if (about?.events !== undefined) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for await (const [name, value] of about.events) response.write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`)
    return response.end()
  }
  if (about?.bytes !== undefined) {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' })
    return response.end(about.bytes)
  }
  if (about) return sendJson(response, about.status, about.value)
  switch (route) {
    case 'POST /v1/chat/completions':
      return chat(request, response)
    case 'GET /v1/models':
      return sendJson(response, 200, modelList(state))
    case 'POST /api/pull':
      return pull(request, response)
    case 'DELETE /api/delete':
      return remove(request, response)
    case 'GET /api/ps':
      return sendJson(response, 200, {
        models: state.models.filter((m) => m.ondol.state === 'loaded').map((m) => ({ name: m.id, model: m.id, size: m.ondol.size_bytes, context_length: m.ondol.loaded_context, details: { quantization_level: m.ondol.quantization } })),
      })
    case 'GET /api/version':
      return sendJson(response, 200, { version: '0.9.0' })
    case 'GET /metrics':
      response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' })
      return response.end(metricsText(state))
    default:
      return request.method === 'GET' ? servePage(request, response, path) : sendError(response, 405, 'Not allowed here.')
  }
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!response.headersSent) sendError(response, 500, String(error), null, 'server_error')
    else response.destroy()
  })
}).listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${options.port}`))
