// What the stand-in remembers: models, counters, the requests it was sent.

const GB = 1_000_000_000

function model(id, size, context, fits, plan, quantization, extra = {}) {
  return {
    id, object: 'model', created: 1_760_000_000, owned_by: id.split('/')[0],
    ondol: {
      state: 'available', size_bytes: size, context_length: context, fits, plan, architecture: 'qwen3', quantization,
      has_tools: true, has_reasoning: true, loaded_context: null, ...extra,
    },
  }
}

export function freshState(key) {
  return {
    key,
    requests: [],
    pullSteps: 12,
    running: 0,
    waiting: 0,
    tokens: { generated: 0, prompt: 0, cached: 0 },
    firstToken: [],
    models: [
      model('Qwen/Qwen3-4B-GGUF', 2.5 * GB, 40_960, true, 'Takes 3.1 GB of the 9.8 GB that are free, with a context of 8,192 tokens.', 'Q4_K_M', { state: 'loaded', loaded_context: 8192 }),
      model('unsloth/Llama-3.2-1B-Instruct-GGUF', 0.81 * GB, 131_072, true, 'Takes 1.2 GB of the 9.8 GB that are free, with a context of 16,384 tokens.', 'Q4_K_M', { architecture: 'llama', has_reasoning: false }),
      model('bartowski/gemma-2-27b-it-GGUF', 16.6 * GB, 8192, false, 'Needs 17.9 GB and 9.8 GB are free: close programs, or take Q2_K (10.4 GB) of this model.', 'Q4_K_M', { architecture: 'gemma2', has_tools: false, has_reasoning: false }),
    ],
    addModel(id, size) {
      this.models.push(model(id, size, 32_768, true, 'Takes 0.9 GB of the 9.8 GB that are free, with a context of 8,192 tokens.', 'Q8_0'))
    },
    count(generated, prompt, seconds) {
      this.tokens.generated += generated
      this.tokens.prompt += prompt
      this.tokens.cached += Math.floor(prompt / 2)
      this.firstToken.push(seconds)
    },
  }
}

export const modelList = (state) => ({ object: 'list', data: state.models })

const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Where `busy` is set, the numbers move as if the server had work, so that charts have something to show. */
function pretend(state) {
  const t = Date.now() / 1000
  const wave = (period, phase = 0) => 0.5 + 0.5 * Math.sin((t + phase) / period)
  const dt = state.pretended ? Math.min(10, t - state.pretended) : 0
  state.pretended = t
  state.running = Math.round(1 + 5 * wave(19))
  state.waiting = Math.round(Math.max(0, 4 * wave(19, 4) - 2))
  state.tokens.generated += Math.round(dt * (24 + 46 * wave(19) + 8 * wave(3)))
  state.tokens.prompt += Math.round(dt * 160 * wave(11) ** 3)
  state.tokens.cached += Math.round(dt * 110 * wave(11, 2) ** 3)
  if (dt) state.firstToken.push(0.1 + 0.5 * wave(7), 0.2 + 1.2 * wave(13), 0.1 + 0.2 * wave(5))
  state.pages = Math.round(700 + 900 * wave(31))
}

export function metricsText(state) {
  if (state.busy) pretend(state)
  const lines = []
  const add = (name, type, value) => lines.push(`# TYPE ${name} ${type}`, `${name} ${value}`)
  add('ondol_requests_running', 'gauge', state.running)
  add('ondol_requests_waiting', 'gauge', state.waiting)
  add('ondol_tokens_generated_total', 'counter', state.tokens.generated)
  add('ondol_tokens_prompt_total', 'counter', state.tokens.prompt)
  add('ondol_tokens_cached_total', 'counter', state.tokens.cached)
  lines.push('# TYPE ondol_time_to_first_token_seconds histogram')
  for (const le of BOUNDS) lines.push(`ondol_time_to_first_token_seconds_bucket{le="${le}"} ${state.firstToken.filter((s) => s <= le).length}`)
  lines.push(`ondol_time_to_first_token_seconds_bucket{le="+Inf"} ${state.firstToken.length}`)
  lines.push(`ondol_time_to_first_token_seconds_sum ${state.firstToken.reduce((a, b) => a + b, 0)}`, `ondol_time_to_first_token_seconds_count ${state.firstToken.length}`)
  add('ondol_kv_pages_used', 'gauge', state.pages ?? 120)
  add('ondol_kv_pages_total', 'gauge', 2048)
  add('process_resident_memory_bytes', 'gauge', 3_400_000_000 + (state.pages ?? 0) * 300_000)
  add('ondol_memory_available_bytes', 'gauge', 6_400_000_000 - (state.pages ?? 0) * 300_000)
  return `${lines.join('\n')}\n`
}
