// What the server is doing, live: charts of its metrics and the models that are loaded.
import { useEffect } from 'preact/hooks'
import { bytes, duration, number, speed, tokens } from '../../i18n/format'
import { metricsError, readings, runningNow, version, watchMetrics, type Reading } from '../../state/metrics'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Page } from '../Page'
import { LineChart, type Series } from './LineChart'

function Charts({ list }: { list: Reading[] }) {
  const words = t.value.status
  const times = list.map((r) => r.at)
  const of = (name: string, tone: Series['tone'], get: (r: Reading) => number | null, area = false): Series => ({ name, tone, area, values: list.map(get) })
  const common = { times }
  const last = list.at(-1)
  const pages = last?.pagesTotal ?? null
  return (
    <div class="charts">
      <LineChart
        {...common} title={words.speed} format={speed}
        series={[of(words.generated, 1, (r) => r.generated, true), of(words.prompt, 2, (r) => r.prompt), of(words.cached, 3, (r) => r.cached)]}
      />
      <LineChart
        {...common} title={words.requests} format={number}
        series={[of(words.running, 1, (r) => r.running, true), of(words.waiting, 2, (r) => r.waiting)]}
      />
      <LineChart
        {...common} title={words.firstToken} format={duration}
        series={[of(words.median, 1, (r) => r.firstTokenMedian), of(words.slow, 2, (r) => r.firstTokenSlow)]}
      />
      <LineChart
        {...common} title={words.cache} top={pages} formatTop={number} format={(v) => (pages ? words.ofPages(number(v), number(pages)) : number(v))}
        series={[of(words.used, 1, (r) => r.pagesUsed, true)]}
      />
      <LineChart
        {...common} title={words.memory} format={bytes}
        series={[of(words.resident, 1, (r) => r.resident, true), of(words.available, 3, (r) => r.available)]}
      />
    </div>
  )
}

function Loaded() {
  const words = t.value.status
  return (
    <section class="card">
      <h2>{words.loadedModels}</h2>
      {runningNow.value.length === 0 ? (
        <p class="hint">{words.noneLoaded}</p>
      ) : (
        <ul class="loaded">
          {runningNow.value.map((model) => (
            <li key={model.name}>
              <strong>{model.name}</strong>
              <span class="facts">
                {model.details?.quantization_level && <span>{model.details.quantization_level}</span>}
                {model.size ? <span>{bytes(model.size)}</span> : null}
                {model.context_length ? <span>{t.value.models.contextLength(tokens(model.context_length))}</span> : null}
              </span>
            </li>
          ))}
        </ul>
      )}
      {version.value && <p class="hint">{t.value.settings.server(version.value)}</p>}
    </section>
  )
}

export function StatusView() {
  useEffect(watchMetrics, [])
  const words = t.value.status
  const list = readings.value
  const { value: error } = metricsError
  return (
    <Page title={words.title} side={<span class="hint live"><span class="ember" aria-hidden="true" />{words.live}</span>}>
      {error && (list.length > 0 ? <p class="notice notice-warning" role="alert">{words.stale}</p> : <ErrorNotice error={error} onRetry={() => location.reload()} />)}
      {list.length === 0 && !error ? <p class="hint" role="status">{words.gathering}</p> : list.length > 0 && <Charts list={list} />}
      <Loaded />
    </Page>
  )
}
