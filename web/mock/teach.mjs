// Teaching, pretended: files, what would be learned from them, and trainings that go through 40 steps in four seconds.
const STEPS = 40
const STEP_MS = 100

const stepsDone = (job) => (job.status === 'running' ? Math.min(STEPS, Math.floor((Date.now() - job.began) / STEP_MS)) : job.stopped ?? STEPS)

function shown(state, job) {
  if (job.status === 'running' && stepsDone(job) >= STEPS) {
    job.status = 'succeeded'
    job.fine_tuned_model = `${job.model}:${job.adapter}`
    state.addModel(job.adapter, 2_500_000_000)
    state.models.at(-1).parent = job.model
  }
  const { began, adapter, stopped, ...rest } = job
  return rest
}

function eventsOf(job) {
  const event = (id, message, data = null) => ({ object: 'fine_tuning.job.event', id, created_at: job.created_at, level: 'info', type: data ? 'metrics' : 'message', message, data })
  const events = [event('e0', 'Fine-tuning job started')]
  for (let step = 1; step <= stepsDone(job); step++) {
    const loss = 0.2 + 2.4 * Math.exp(-step / 12)
    events.push(event(`e${step}`, `Step ${step}/${STEPS}`, { step, train_loss: loss, tokens_per_s: 321, ...(step % 10 === 0 ? { full_valid_loss: loss + 0.2 } : {}) }))
  }
  return events
}

function preview(file, wish) {
  const lines = file.text.split('\n').filter((line) => line.trim() !== '')
  const examples = []
  for (const [i, line] of lines.entries()) {
    try {
      examples.push(JSON.parse(line))
    } catch {
      return { object: 'fine_tuning.preview', error: { code: 'invalid_training_file', message: `${file.name}:${i + 1}: expected JSON`, param: 'training_file', line: i + 1 } }
    }
  }
  const { prompt, completion } = examples[0]
  return {
    object: 'fine_tuning.preview', model: wish.model, error: null, format: 'prompt and completion', n_examples: examples.length, n_validation_examples: 0,
    n_tokens: 12 * examples.length, n_targets: 5 * examples.length, n_cut: 0, n_left_out: 0, n_without_targets: 0, memory_bytes: 400_000_000,
    first_example: [{ role: 'learned', runs: [{ text: `<|user|>${prompt}<|assistant|>`, is_learned: false }, { text: completion, is_learned: true }] }],
  }
}

/** The answer to a request, or nothing when it is none of these: {status, value}. */
export async function teach(state, method, url, read) {
  const path = url.pathname
  state.files ??= new Map()
  state.jobs ??= []
  const good = (value) => ({ status: 200, value })
  const bad = (status, message, param) => ({ status, value: { error: { message, type: 'invalid_request_error', param, code: null } } })
  if (method === 'POST' && path === '/v1/files') {
    const body = await read()
    const name = /filename="([^"]*)"/.exec(body)?.[1] ?? 'file'
    const text = body.slice(body.indexOf('\r\n\r\n', body.indexOf('filename=')) + 4, body.lastIndexOf('\r\n--'))
    const id = `file-${state.files.size + 1}`
    state.files.set(id, { name, text })
    return good({ id, object: 'file', bytes: text.length, created_at: 1, filename: name, purpose: 'fine-tune' })
  }
  if (!path.startsWith('/v1/fine_tuning/')) return null
  if (method === 'POST' && (path === '/v1/fine_tuning/preview' || path === '/v1/fine_tuning/jobs')) {
    const wish = JSON.parse(await read())
    const file = state.files.get(wish.training_file)
    if (!file) return bad(404, `there is no file '${wish.training_file}'`, 'training_file')
    if (path.endsWith('preview')) return good(preview(file, wish))
    state.requests.push(wish)
    const job = {
      id: `ftjob-${state.jobs.length + 1}`, object: 'fine_tuning.job', created_at: Math.floor(Date.now() / 1000), began: Date.now(), adapter: `ft-${wish.suffix ?? 'x'}-${state.jobs.length + 1}`,
      model: wish.model, status: 'running', error: null, fine_tuned_model: null, user_provided_suffix: wish.suffix ?? null, ondol: { n_examples: 3, steps: STEPS, live_model: null },
    }
    state.jobs.unshift(job)
    return good(shown(state, job))
  }
  if (path === '/v1/fine_tuning/jobs') return good({ object: 'list', data: state.jobs.map((job) => shown(state, job)), has_more: false })
  const [, , , , id, action] = path.split('/')
  const job = state.jobs.find((j) => j.id === id)
  if (!job) return bad(404, `there is no fine-tuning job '${id}'`, 'fine_tuning_job_id')
  if (action === 'events') {
    const all = eventsOf(job)
    return good({ object: 'list', data: all.slice(all.findIndex((e) => e.id === url.searchParams.get('after')) + 1), has_more: false })
  }
  if (action === 'cancel') Object.assign(job, { stopped: stepsDone(job), status: 'cancelled' })
  if (method === 'DELETE') state.jobs = state.jobs.filter((j) => j !== job)
  return good(shown(state, job))
}
