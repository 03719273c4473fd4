// The trainings of the server: how they stand, their curves, and what one can do with them.
import type { TuningJob } from '../../api/tuning'
import { number, speed } from '../../i18n/format'
import { chooseModel, findModel, loadModels, shortName } from '../../state/models'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { cancelTeaching, curves, forgetTeaching, jobs } from '../../state/teaching'
import { LossChart } from './LossChart'

const MOVES = new Set(['validating_files', 'queued', 'running', 'paused'])

/** "model:adapter" is the adapter's name in the list of models. */
const adapterOf = (name: string) => name.slice(name.lastIndexOf(':') + 1)

async function chat(model: string): Promise<void> {
  const name = adapterOf(model)
  if (!findModel(name)) await loadModels()
  go(links.chat(null))
  chooseModel(name)
}

function Training({ job }: { job: TuningJob }) {
  const words = t.value.teach
  const curve = curves.value[job.id]
  const done = curve?.steps.at(-1) ?? 0
  const name = job.user_provided_suffix || job.id.slice(0, 14)
  const usable = job.fine_tuned_model ?? job.ondol.live_model
  return (
    <li class="training">
      <div class="training-head">
        <h3>{name}</h3>
        <span class="badge">{words.states[job.status]}</span>
      </div>
      <p class="facts">
        <span>{shortName(job.model)}</span>
        {job.ondol.n_examples > 0 && <span>{words.nExamples(job.ondol.n_examples)}</span>}
        {job.ondol.steps > 0 && <span>{words.stepOf(number(done), number(job.ondol.steps))}</span>}
        {curve && job.status === 'running' && curve.speed > 0 && <span>{words.speed(speed(curve.speed))}</span>}
      </p>
      {job.status === 'running' && <progress aria-label={words.progress(name)} max={Math.max(1, job.ondol.steps)} value={done} />}
      {job.error && <p class="bad" role="alert">{job.error.message}</p>}
      {curve && curve.steps.length > 0 && <LossChart curve={curve} steps={job.ondol.steps} />}
      <div class="row">
        {usable && <button type="button" class="button primary" onClick={() => void chat(usable)}>{words.chat}</button>}
        {MOVES.has(job.status) ? (
          <button type="button" class="button" onClick={() => void cancelTeaching(job.id)}>{t.value.common.cancel}</button>
        ) : (
          <button type="button" class="button" aria-label={words.deleteLabel(name)} onClick={() => void forgetTeaching(job.id)}>{t.value.common.delete}</button>
        )}
      </div>
    </li>
  )
}

export function Trainings() {
  const words = t.value.teach
  return (
    <section class="card">
      <h2>{words.trainings}</h2>
      {jobs.value.length === 0 ? <p class="hint">{words.none}</p> : <ul class="trainings">{jobs.value.map((job) => <Training key={job.id} job={job} />)}</ul>}
    </section>
  )
}
