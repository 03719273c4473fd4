// One job: what it is, what happens in it, what it asks, and what one can do with it.
import { useComputed } from '@preact/signals'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Job } from '../../api/agents'
import { duration, moment, number, tokens } from '../../i18n/format'
import { jobError, jobOf, steps, watchJob } from '../../state/agent-job'
import { partsOf } from '../../state/agent-steps'
import { cancelJob, hasEnded, resumeJob } from '../../state/agents'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { ErrorLine } from '../ErrorLine'
import { Icon } from '../Icon'
import { Page } from '../Page'
import { ApprovalCard } from './ApprovalCard'
import { StateBadge } from './JobList'
import { Steps } from './Steps'

const isStoppable = (job: Job) => !hasEnded(job)

function Facts({ job }: { job: Job }) {
  const words = t.value.agents
  const { goal, job: texts } = words
  const { usage, budget } = job
  // A budget of 0 is none.
  const of = (spent: number, most: number, inWords: (n: number) => string) => (most > 0 ? texts.spentOf(inWords(spent), inWords(most)) : inWords(spent))
  const spent = [words.steps(usage.turns), words.tokens(of(usage.tokens, budget.tokens, tokens)), of(usage.seconds, budget.seconds, duration)]
  const rows: [string, string][] = [
    [texts.workspace, job.workspace],
    // Where the server has chosen, the session says which.
    [texts.model, job.model || steps.value.find((step) => step.type === 'session')?.model || ''],
    [texts.scope, goal.scopes[job.scope] ?? job.scope],
    [texts.approve, job.scope === 'read-only' ? '' : goal.approvals[job.approve] ?? job.approve],
    [texts.hosts, job.hosts.join(', ')],
    [texts.spent, spent.join(' · ')],
    [texts.started, job.started_at ? moment(job.started_at) : ''],
    [texts.ended, job.ended_at ? moment(job.ended_at) : ''],
  ]
  return (
    <dl class="job-facts" aria-label={texts.facts}>
      {rows.filter(([, value]) => value !== '').map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A bar for the budget of which the most is spent. */
function Spent({ job }: { job: Job }) {
  const { usage, budget } = job
  const shares = [usage.turns / budget.turns, usage.tokens / budget.tokens, usage.seconds / budget.seconds].filter(Number.isFinite)
  const share = Math.min(1, Math.max(0, ...shares))
  const words = t.value.agents.job
  return <progress aria-label={words.spentOf(`${number(share * 100)}%`, t.value.agents.goal.budget)} max={1} value={share} />
}

function Further({ job }: { job: Job }) {
  const [goal, setGoal] = useState('')
  const [isBusy, setBusy] = useState(false)
  const id = useId()
  const words = t.value.agents.job
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    const made = await resumeJob(job.id, goal.trim())
    setBusy(false)
    if (made) go(links.job(made.id))
  }
  return (
    <section class="card">
      <h2>{words.further}</h2>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <label for={id}>{words.furtherLabel}</label>
        <textarea id={id} class="input" rows={2} value={goal} placeholder={words.furtherPlaceholder} aria-describedby={`${id}h`} maxLength={20_000} onInput={(e) => setGoal(e.currentTarget.value)} />
        <p class="hint" id={`${id}h`}>{words.furtherHint}</p>
        <button type="submit" class="button primary" disabled={isBusy}>
          <Icon name="forward" />
          {words.resume}
        </button>
      </form>
    </section>
  )
}

function Now({ job }: { job: Job }) {
  const words = t.value.agents.job
  if (job.state === 'running') return <p class="step-running" role="status"><span class="ember" aria-hidden="true" />{words.working}</p>
  if (job.state === 'waiting') return <p class="hint" role="status">{words.waiting}</p>
  return null
}

/** Keeps the end in sight while the person is there; whoever has scrolled up is left alone. */
function useFollowing(n: number, isMoving: boolean) {
  const end = useRef<HTMLDivElement>(null)
  const isNear = useRef(true)
  useEffect(() => {
    const body = end.current?.closest('.page-body')
    if (!body) return
    const look = () => {
      isNear.current = body.scrollHeight - body.scrollTop - body.clientHeight < 160
    }
    body.addEventListener('scroll', look, { passive: true })
    return () => body.removeEventListener('scroll', look)
  }, [])
  useEffect(() => {
    if (isMoving && isNear.current && n > 0) end.current?.scrollIntoView({ block: 'end' })
  }, [n, isMoving])
  return end
}

function Body({ job }: { job: Job }) {
  const parts = useComputed(() => partsOf(steps.value))
  const end = useFollowing(steps.value.length, isStoppable(job))
  const isRunning = job.state === 'running'
  const lastEnd = steps.value.findLast((step) => step.type === 'end')
  return (
    <>
      <div class="job-line">
        <StateBadge state={job.state} />
        {job.trigger && <span class="hint">{t.value.agents.bySchedule(job.trigger.schedule)}</span>}
      </div>
      <p class="job-title">{job.goal}</p>
      {isStoppable(job) && <Spent job={job} />}
      <Facts job={job} />
      {steps.value.length > 0 && (
        <section>
          <h2>{t.value.agents.job.history}</h2>
          <Steps parts={parts.value} isRunning={isRunning} isAsking={job.state === 'asking'} />
        </section>
      )}
      {job.state === 'asking' && <ApprovalCard job={job} />}
      <Now job={job} />
      {job.state === 'failed' && job.error && job.error !== lastEnd?.text && <ErrorLine error={job.error} />}
      {hasEnded(job) && job.session && <Further job={job} />}
      <div ref={end} />
    </>
  )
}

export function JobView({ id }: { id: number }) {
  const [tries, setTries] = useState(0)
  useEffect(() => watchJob(id), [id, tries])
  const words = t.value.agents
  const job = jobOf(id)
  const { value: error } = jobError
  const isGone = error?.status === 404
  const stop = (
    <button type="button" class="button" aria-label={words.job.stopLabel(id)} onClick={() => void cancelJob(id)}>
      <Icon name="stop" />
      {words.job.stop}
    </button>
  )
  return (
    <div class="job-view">
      <Page title={words.name(id)} back={{ to: links.agents, label: words.job.all }} side={job && isStoppable(job) ? stop : undefined}>
        {error && isGone && <p class="notice notice-warning" role="alert">{words.job.gone}</p>}
        {error && !isGone && (job ? <p class="notice notice-warning" role="alert"><Icon name="warning" /><span>{words.stale}</span></p> : <ErrorNotice error={error} otherwise={words.problem} onRetry={() => setTries(tries + 1)} />)}
        {!job && !error && <p class="hint" role="status">{t.value.common.loading}</p>}
        {job && !isGone && <Body job={job} />}
      </Page>
    </div>
  )
}
