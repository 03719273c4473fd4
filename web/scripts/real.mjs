// The browser tests against `ondol serve` itself, with a hub on this machine to fetch a model from.
//
//   node scripts/real.mjs ONDOL [MODEL.gguf] [arguments of playwright]      (the sample model, unless another is named)
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const web = fileURLToPath(new URL('..', import.meta.url))
const sample = join(web, '../examples/sample.gguf')
const [ondol, ...rest] = process.argv.slice(2)
if (!ondol) {
  console.error('usage: node scripts/real.mjs ONDOL [MODEL.gguf] [arguments of playwright]')
  process.exit(2)
}
const model = rest[0]?.endsWith('.gguf') ? resolve(rest.shift()) : sample

/** The sample model as `hearth/sample-GGUF`, at about a megabyte a second, so that progress is seen. */
function startHub() {
  const content = readFileSync(sample)
  const hub = createServer(async (request, response) => {
    const path = request.url.split('?')[0]
    if (path === '/api/models/hearth/sample-GGUF/revision/main') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ id: 'hearth/sample-GGUF', sha: '01', siblings: [{ rfilename: 'sample-Q8_0.gguf', size: content.length }] }))
    } else if (path.startsWith('/hearth/sample-GGUF/resolve/01/')) {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(request.headers.range ? 206 : 200, {
        etag: '"sample"',
        'content-length': content.length - start,
        ...(request.headers.range ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
      })
      if (request.method === 'HEAD') return response.end()
      for (let at = start; at < content.length && !response.destroyed; at += 1 << 16) {
        response.write(content.subarray(at, at + (1 << 16)))
        await wait(60)
      }
      response.end()
    } else {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Repository not found"}')
    }
  })
  return new Promise((done) => hub.listen(0, '127.0.0.1', () => done(hub)))
}

async function startServer(hub, home, flags) {
  const server = spawn(ondol, ['serve', '--port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ONDOL_HOME: home, HF_HUB_CACHE: join(home, 'hf'), OLLAMA_MODELS: join(home, 'ollama'), HF_ENDPOINT: `http://127.0.0.1:${hub.address().port}`, LC_ALL: 'C.UTF-8' },
  })
  const first = await new Promise((done) => createInterface(server.stdout).once('line', done))
  return { server, url: /http:\/\/[\w.]+:\d+/.exec(first)[0] }
}

/** A folder for agents to work in, where the server knows of agents. */
function workspaceFlags(home) {
  if (!execFileSync(ondol, ['serve', '--help'], { encoding: 'utf8' }).includes('--workspace')) return []
  const folder = join(home, 'workspace')
  mkdirSync(folder)
  writeFileSync(join(folder, 'letter.txt'), 'The kiln was repaired on Monday.\n')
  return ['--workspace', folder]
}

/** A model that calls a tool when it is told to, and says that it is done. In each language another file: what is allowed in one stays allowed. */
function writeScriptedModel(path) {
  const written = (name) => [{ name: 'write_file', arguments: { path: `${name}.txt`, content: `${name}\n` } }]
  const names = ['en', 'ko'].flatMap((language) => ['approved', 'refused', 'always'].map((word) => `${word}-${language}`))
  const scripts = names.map((name) => [name.toUpperCase(), written(name)])
  execFileSync('python3', [join(web, '../tests/serve/scripted_gguf.py'), path], { input: JSON.stringify({ scripts, after: ['That was it.'] }) })
  return path
}

const home = mkdtempSync(join(tmpdir(), 'ondol-real-'))
const hub = await startHub()
// What agents are told does not fit into the sample's own context.
const room = model === sample ? ['--ctx', '4096'] : []
const open = await startServer(hub, home, [model, ...room, ...workspaceFlags(home)])
const agentsHome = mkdtempSync(join(tmpdir(), 'ondol-real-agents-'))
const agents = await startServer(hub, agentsHome, [writeScriptedModel(join(agentsHome, 'scripted.gguf')), ...workspaceFlags(agentsHome)])
const locked = await startServer(hub, home, [sample, '--api-key', 'secret'])
const tests = spawn('npx', ['playwright', 'test', ...rest], { cwd: web, stdio: 'inherit', env: { ...process.env, ONDOL_URL: open.url, ONDOL_LOCKED_URL: locked.url, ONDOL_AGENTS_URL: agents.url } })
const status = await new Promise((done) => tests.once('exit', done))
for (const { server } of [open, agents, locked]) {
  const ended = new Promise((done) => server.once('exit', done))
  server.kill()
  await ended
}
hub.close()
hub.closeAllConnections()
for (const folder of [home, agentsHome]) rmSync(folder, { recursive: true, force: true })
process.exit(status ?? 1)
