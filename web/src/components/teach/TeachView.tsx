// Teaching a model with examples of one's own: choose them, see what was understood, start, watch, and talk to it.
import { useEffect, useId, useState } from 'preact/hooks'
import { loadModels, models } from '../../state/models'
import { t } from '../../state/settings'
import { examples, lookAgain, method, METHODS, startTeaching, teachingError, watchTeaching } from '../../state/teaching'
import { Choice } from '../controls'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Icon } from '../Icon'
import { Page } from '../Page'
import { ExamplesCard } from './Examples'
import { Trainings } from './Trainings'

/** What can be taught: models, not what was taught to them. */
const teachable = () => models.value.filter((m) => m.ondol?.fits !== false && !m.parent)

interface Wish {
  model: string
  suffix: string
  epochs: string
  live: boolean
}

function Start({ wish, change }: { wish: Wish; change: (part: Partial<Wish>) => void }) {
  const id = useId()
  const words = t.value.teach
  const chosen = examples.value
  const isReady = chosen?.state === 'ready' && chosen.preview !== null && !chosen.preview.error && wish.model !== ''
  const start = (event: Event) => {
    event.preventDefault()
    if (!isReady) return
    const suffix = wish.suffix.trim().replace(/[\s:=,/\\]+/g, '-')
    const epochs = Number(wish.epochs)
    void startTeaching({
      model: wish.model,
      training_file: chosen.id,
      ...(suffix ? { suffix } : {}),
      method: { type: method.value, [method.value]: { hyperparameters: { n_epochs: epochs > 0 ? epochs : 'auto' } } },
      ondol: { live: wish.live, save_every: 20, save_seconds: 30 },
    })
  }
  return (
    <section class="card">
      <h2>{words.how}</h2>
      <form class="form" onSubmit={start}>
        <label for={`${id}m`}>{words.model}</label>
        <select id={`${id}m`} class="input" value={wish.model} onChange={(e) => change({ model: e.currentTarget.value })}>
          {teachable().map((m) => <option key={m.id} value={m.id}>{m.id}</option>)}
        </select>
        <Choice legend={words.method} value={method.value} options={METHODS.map((value) => ({ value, label: words.methods[value] }))} onChange={(value) => { method.value = value; void lookAgain(wish.model) }} />
        <label for={`${id}n`}>{words.name}</label>
        <input id={`${id}n`} class="input" maxLength={20} autocomplete="off" value={wish.suffix} onInput={(e) => change({ suffix: e.currentTarget.value })} />
        <label for={`${id}e`}>{words.epochs}</label>
        <input id={`${id}e`} class="input" type="number" min="1" max="1000" value={wish.epochs} aria-describedby={`${id}h`} onInput={(e) => change({ epochs: e.currentTarget.value })} />
        <p class="hint" id={`${id}h`}>{words.epochsHint}</p>
        <label class="check">
          <input type="checkbox" checked={wish.live} onChange={(e) => change({ live: e.currentTarget.checked })} />
          <span>{words.live}</span>
        </label>
        <button type="submit" class="button primary" disabled={!isReady}>
          <Icon name="forward" />
          {words.start}
        </button>
      </form>
    </section>
  )
}

export function TeachView() {
  const [wish, setWish] = useState<Wish>({ model: '', suffix: '', epochs: '3', live: true })
  useEffect(() => void loadModels(), [])
  useEffect(watchTeaching, [])
  const model = wish.model || teachable().find((m) => m.ondol?.state === 'loaded')?.id || teachable()[0]?.id || ''
  const change = (part: Partial<Wish>) => {
    setWish((before) => ({ ...before, model, ...part }))
    if (part.model) void lookAgain(part.model)
  }
  const { value: error } = teachingError
  return (
    <Page title={t.value.teach.title}>
      <p class="hint">{t.value.teach.intro}</p>
      {error && <ErrorNotice error={error} onRetry={() => (teachingError.value = null)} />}
      <ExamplesCard model={model} />
      <Start wish={{ ...wish, model }} change={change} />
      <Trainings />
    </Page>
  )
}
