// A new goal, the jobs that ask, and the others, the newest first.
import { useId, useState } from 'preact/hooks'
import { startJob, type AgentsAbout, type Job, type JobState } from '../../api/agents'
import type { ApiError } from '../../api/client'
import { duration, moment, tokens } from '../../i18n/format'
import { emptyForm, isFilled, usual, wishOf, workspaceOf, type GoalForm } from '../../state/agent-wish'
import { asking, filter, filterJobs, hasMoreJobs, isListRead, listed, showMoreJobs, STATES, takeJob } from '../../state/agents'
import { asApiError } from '../../state/documents'
import { announce } from '../../state/interface'
import { shortName } from '../../state/models'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorLine } from '../ErrorLine'
import { Icon } from '../Icon'
import { ApprovalCard } from './ApprovalCard'
import { GoalFields } from './GoalFields'

function NewGoal({ about }: { about: AgentsAbout }) {
  const [form, setForm] = useState<GoalForm>(emptyForm)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const words = t.value.agents.goal
  const canStart = isFilled(form, about) && !isBusy
  const start = async (event: Event) => {
    event.preventDefault()
    if (!canStart) return
    setBusy(true)
    setError(null)
    try {
      const job = await startJob(wishOf(form, about))
      takeJob(job, true)
      announce(words.started(job.id))
      usual.value = { workspace: workspaceOf(form, about), scope: form.scope, approve: form.approve }
      setForm({ ...form, goal: '' })
    } catch (caught) {
      setError(asApiError(caught))
    } finally {
      setBusy(false)
    }
  }
  return (
    <section class="card">
      <h2>{words.new}</h2>
      <form class="form goal-form" onSubmit={(event) => void start(event)}>
        <GoalFields form={form} about={about} change={(part) => setForm((before) => ({ ...before, ...part }))} />
        {error && <ErrorLine error={error} />}
        <button type="submit" class="button primary" disabled={!canStart}>
          <Icon name="forward" />
          {isBusy ? words.starting : words.start}
        </button>
      </form>
    </section>
  )
}

/** What a job has used up, and where it came from. */
export function JobFacts({ job }: { job: Job }) {
  const words = t.value.agents
  const { turns, tokens: nTokens, seconds } = job.usage
  return (
    <span class="facts">
      {turns > 0 && <span title={words.stepsTitle}>{words.steps(turns)}</span>}
      {nTokens > 0 && <span>{words.tokens(tokens(nTokens))}</span>}
      {seconds > 0 && <span>{duration(seconds)}</span>}
      {job.model && <span>{shortName(job.model)}</span>}
      {job.trigger && <span>{words.bySchedule(job.trigger.schedule)}</span>}
      <span>{moment(job.created_at)}</span>
    </span>
  )
}

export function StateBadge({ state }: { state: JobState }) {
  return <span class={`badge badge-job-${state}`}>{t.value.agents.states[state]}</span>
}

function Row({ job }: { job: Job }) {
  return (
    <li class="job">
      <a class="job-link" href={links.job(job.id)}>
        <span class="job-head">
          <StateBadge state={job.state} />
          <span class="job-number">{t.value.agents.name(job.id)}</span>
        </span>
        <strong class="job-goal">{job.goal}</strong>
        <JobFacts job={job} />
        {job.state === 'failed' && job.error && <span class="bad job-error">{job.error}</span>}
      </a>
    </li>
  )
}

function Filter() {
  const id = useId()
  const words = t.value.agents
  return (
    <span class="job-filter">
      <label for={id} class="sr-only">{words.show}</label>
      <select id={id} class="input" value={filter.value} onChange={(e) => void filterJobs(e.currentTarget.value as JobState | '')}>
        <option value="">{words.allStates}</option>
        {STATES.filter((state) => state !== 'asking').map((state) => <option key={state} value={state}>{words.states[state]}</option>)}
      </select>
    </span>
  )
}

/** More of those that ask are folded. */
const ASKING_SHOWN = 5

function Asking() {
  const [isWhole, setWhole] = useState(false)
  const words = t.value.agents
  const list = asking.value
  if (list.length === 0) return null
  return (
    <section class="askings" aria-label={words.waitingForYou(list.length)}>
      <h2>{words.waitingForYou(list.length)}</h2>
      {(isWhole ? list : list.slice(0, ASKING_SHOWN)).map((job) => (job.question ? <ApprovalCard key={job.id} job={job} isLinked /> : <ul key={job.id} class="jobs"><Row job={job} /></ul>))}
      {!isWhole && list.length > ASKING_SHOWN && <button type="button" class="button more" onClick={() => setWhole(true)}>{words.allAsking(list.length)}</button>}
    </section>
  )
}

export function JobList({ about }: { about: AgentsAbout }) {
  const [isBusy, setBusy] = useState(false)
  const words = t.value.agents
  const list = listed.value
  const isEmpty = isListRead.value && list.length === 0
  const more = async () => {
    setBusy(true)
    await showMoreJobs()
    setBusy(false)
  }
  return (
    <>
      <Asking />
      <NewGoal about={about} />
      <section>
        <div class="section-head">
          <h2>{words.jobs}</h2>
          <Filter />
        </div>
        {!isListRead.value && <p class="hint" role="status">{t.value.common.loading}</p>}
        {isEmpty && <p class="hint">{filter.value || asking.value.length > 0 ? words.noneOf : words.none}</p>}
        <ul class="jobs">{list.map((job) => <Row key={job.id} job={job} />)}</ul>
        {hasMoreJobs.value && <button type="button" class="button more" disabled={isBusy} onClick={() => void more()}>{words.more}</button>}
      </section>
    </>
  )
}
