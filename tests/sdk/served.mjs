// `ondol serve` with the sample model, for tests of clients.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

export const KEY = 'test-key'

/** The module's default export; ends the program with status 77 when it is not installed. */
export async function load(name, modules) {
  try {
    const module = await import(pathToFileURL(createRequire(`${modules}/x.js`).resolve(name)))
    return module.default?.default ?? module.default ?? module
  } catch (error) {
    console.log(`skipped: ${error.message.split('\n')[0]}; install it with: ./test sdk`)
    process.exit(77)
  }
}

/** A server on a free port. `keys`: Ollama's clients send none. */
export async function serve(ondol, source, keys = true, more = []) {
  const none = '/nonexistent'
  const flags = [...(keys ? ['--api-key', KEY] : []), ...more]
  const process_ = spawn(ondol, ['serve', `${source}/examples/sample.gguf`, '--port', '0', '-t', '2', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ONDOL_HOME: none,
      HF_HUB_CACHE: none,
      OLLAMA_MODELS: none,
      HF_HUB_OFFLINE: '1',
      LC_ALL: 'C.UTF-8',
    },
  })
  const firstLine = await new Promise((resolve) => createInterface(process_.stdout).once('line', resolve))
  const url = /http:\/\/[\w.]+:\d+/.exec(firstLine)[0]
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => process_.once('exit', resolve))
      process_.kill('SIGTERM')
      await ended
    },
    /** Whether no request runs, soon. */
    async becomesIdle() {
      for (let i = 0; i < 200; ++i) {
        const text = await (await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${KEY}` } })).text()
        if (/^ondol_requests_running\{[^}]*\} 0$/m.test(text)) return true
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return false
    },
  }
}

/** Runs the tests and ends the program. */
export async function run(tests, server) {
  let failures = 0
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test()
      console.log(`ok    ${name}`)
    } catch (error) {
      ++failures
      console.log(`FAILED ${name}\n${error.stack}`)
    }
  }
  await server.stop()
  process.exit(failures === 0 ? 0 : 1)
}
