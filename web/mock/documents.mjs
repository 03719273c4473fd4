// Documents, pretended: collections whose files are "read" in a moment, search by words, and answers that quote the
// paragraph which has most of the question's words. Words in a question ask for other endings: "penguin" is declined,
// "disagree", "loose" and "unsupported" come with what they say, "slowly" takes its time, "fail" fails.
const READ_MS = 700

const wordsOf = (text) => (text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? []).filter((w) => !['the', 'was', 'when', 'what', 'how', 'is', 'its', 'and'].includes(w))
const bytesOf = (text) => Buffer.byteLength(text)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function statusOf(state, file) {
  if (Date.now() - file.at < (state.readMs ?? READ_MS)) return 'in_progress'
  return file.name.includes('broken') ? 'failed' : 'completed'
}

function shownFile(state, store, file) {
  const status = statusOf(state, file)
  return {
    id: file.id, object: 'vector_store.file', created_at: Math.floor(file.at / 1000), usage_bytes: bytesOf(file.text), vector_store_id: store.id, status, attributes: file.attributes,
    last_error: status === 'failed' ? { code: 'invalid_file', message: `${file.name}: expected a PDF, got something else` } : null,
  }
}

function shownStore(state, store) {
  const count = (status) => store.files.filter((f) => statusOf(state, f) === status).length
  const file_counts = { in_progress: count('in_progress'), completed: count('completed'), failed: count('failed'), cancelled: 0, total: store.files.length }
  return {
    id: store.id, object: 'vector_store', created_at: 1, name: store.name, file_counts, usage_bytes: store.files.reduce((sum, f) => sum + bytesOf(f.text), 0),
    status: store.isExpired ? 'expired' : file_counts.in_progress ? 'in_progress' : 'completed',
  }
}

/** Paragraphs of all files, those with most of the words first. */
function paragraphs(state, store, query) {
  const wanted = wordsOf(query)
  const found = []
  for (const file of store.files.filter((f) => statusOf(state, f) === 'completed')) {
    for (const match of file.text.matchAll(/[^\n]+/g)) {
      const score = wanted.filter((word) => match[0].toLowerCase().includes(word)).length
      if (score > 0) found.push({ file, text: match[0], index: match.index, score })
    }
  }
  return found.sort((a, b) => b.score - a.score)
}

function citation(number, { file, text, index }) {
  const before = file.text.slice(0, index)
  const start = bytesOf(before)
  const isPdf = file.name.endsWith('.pdf')
  return {
    number, path: file.path ?? file.name, file_id: file.id, filename: file.name, page: isPdf ? 2 : null, line: isPdf ? null : before.split('\n').length, start, end: start + bytesOf(text), quote: text, headings: file.text.startsWith('# ') ? file.text.split('\n')[0].slice(2) : '',
  }
}

function answer(state, store, { query, model, history = [] }) {
  const found = query.includes('penguin') ? [] : paragraphs(state, store, [query, ...history.map((h) => h.question)].join(' '))
  const method = model ? 'model' : 'extract'
  if (found.length === 0) return { answer: 'The documents do not say.', declined: true, method, claims: [], dropped: 0, sources: [], closeness: 0.1 }
  const sources = found.slice(0, 2).map((place, i) => citation(i + 1, place))
  const claims = sources.map((source) => ({ text: source.quote, citations: [source], support: query.includes('loose') ? 0.65 : 1, sources: sources.length, disagreeing: [] }))
  if (query.includes('disagree') && sources[1]) {
    claims[0].disagreeing = [sources[1]]
    claims.pop()
  }
  return { answer: claims.map((c) => `${c.text} [${c.citations[0].number}]`).join('\n'), declined: false, method, claims, dropped: query.includes('unsupported') ? 2 : 0, sources, closeness: 0.9 }
}

function pageOf(all, url) {
  const from = all.findIndex((one) => one.id === url.searchParams.get('after')) + 1
  const limit = Number(url.searchParams.get('limit') ?? 20)
  return { object: 'list', data: all.slice(from, from + limit), has_more: from + limit < all.length }
}

/** Routes below /v1/vector_stores/{id}. */
async function ofStore(state, store, method, rest, url, read) {
  const good = (value) => ({ status: 200, value })
  const bad = (status, message) => ({ status, value: { error: { message, type: 'invalid_request_error', param: null, code: null } } })
  const [part, id, content] = rest
  if (part === undefined && method === 'DELETE') {
    state.stores = state.stores.filter((s) => s !== store)
    return good({ id: store.id, object: 'vector_store.deleted', deleted: true })
  }
  if (part === undefined && method === 'POST') store.name = JSON.parse(await read()).name
  if (part === undefined) return good(shownStore(state, store))
  if (part === 'search') {
    const { query, max_num_results: n } = JSON.parse(await read())
    if (query.includes('fail')) return bad(500, 'the disk is on fire')
    const data = paragraphs(state, store, query).slice(0, n).map(({ file, text, score, index }) => ({
      file_id: file.id, filename: file.name, score: score / 10, attributes: file.attributes, content: [{ type: 'text', text }], ondol: { page: file.name.endsWith('.pdf') ? 2 : null, start: bytesOf(file.text.slice(0, index)), end: bytesOf(file.text.slice(0, index) + text) },
    }))
    return good({ object: 'vector_store.search_results.page', search_query: [query], data, has_more: false, next_page: null })
  }
  if (part === 'ask') {
    const body = JSON.parse(await read())
    state.requests.push(body)
    if (body.query.includes('fail')) return bad(500, 'the disk is on fire')
    const whole = answer(state, store, body)
    const pause = body.query.includes('slowly') ? 8000 : 150
    return { events: (async function* () {
      for (const claim of whole.claims) {
        yield ['claim', claim]
        await wait(pause)
      }
      yield ['answer', whole]
    })() }
  }
  if (part === 'files' && id === undefined && method === 'POST') {
    const { file_id, attributes } = JSON.parse(await read())
    const kept = state.files.get(file_id)
    if (!kept) return bad(404, `there is no file '${file_id}'`)
    if (kept.name.includes('refused')) return bad(400, 'expected at most 10000 files in a vector store')
    store.files.unshift({ id: file_id, name: kept.name, text: kept.text, at: Date.now(), attributes: attributes ?? {} })
    return good(shownFile(state, store, store.files[0]))
  }
  if (part === 'files' && id === undefined) return good(pageOf(store.files.map((f) => shownFile(state, store, f)), url))
  const file = store.files.find((f) => f.id === id)
  if (!file) return bad(404, `there is no file '${id}'`)
  if (content === 'text') {
    if (store.isNamed) return bad(400, 'there is no text of this file')
    const half = bytesOf(file.text.slice(0, file.text.indexOf('\n\n') + 2))
    const pages = file.name.endsWith('.pdf') ? [{ page: 1, start: 0, end: half }, { page: 2, start: half, end: bytesOf(file.text) }] : []
    return good({ object: 'ondol.document', file_id: file.id, filename: file.name, text: file.text, title: '', pages, missing: file.name.endsWith('.pdf') ? 'A picture on page 2.' : null })
  }
  if (method === 'DELETE') store.files = store.files.filter((f) => f !== file)
  return good(shownFile(state, store, file))
}

/** The answer to a request, or nothing when it is none of these: {status, value} or {status, bytes}. */
export async function documents(state, method, url, read) {
  const [, v1, what, id, ...rest] = url.pathname.split('/').map(decodeURIComponent)
  if (v1 !== 'v1') return null
  state.files ??= new Map()
  state.stores ??= []
  const good = (value) => ({ status: 200, value })
  if (what === 'files' && method !== 'POST') {
    const shown = [...state.files].map(([key, f]) => ({ id: key, object: 'file', bytes: bytesOf(f.text), filename: f.name, purpose: 'assistants' }))
    if (!id) return good({ object: 'list', data: shown, has_more: false })
    const one = state.files.get(id)
    if (!one) return { status: 404, value: { error: { message: `there is no file '${id}'`, type: 'invalid_request_error', param: 'id', code: 'file_not_found' } } }
    if (method === 'DELETE') state.files.delete(id)
    return rest[0] === 'content' ? { status: 200, bytes: one.text } : good(shown.find((f) => f.id === id))
  }
  if (what !== 'vector_stores') return null
  if (state.named && !state.stores.some((s) => s.isNamed)) {
    state.stores.push({ id: 'notes', name: 'notes', isNamed: true, files: [{ id: 'file-n1', name: 'diary.md', path: '/home/me/diary.md', text: 'On Monday the stove was repaired.\n', at: 0, attributes: { path: '/home/me/diary.md' } }] })
  }
  if (!id && method === 'POST') {
    const store = { id: `vs_${state.stores.length + 1}`, name: JSON.parse(await read()).name, files: [] }
    state.stores.unshift(store)
    return good(shownStore(state, store))
  }
  if (!id) return good(pageOf(state.stores.map((s) => shownStore(state, s)), url))
  const store = state.stores.find((s) => s.id === id)
  if (!store) return { status: 404, value: { error: { message: `there is no vector store '${id}'`, type: 'invalid_request_error', param: null, code: 'vector_store_not_found' } } }
  return ofStore(state, store, method, rest, url, read)
}
