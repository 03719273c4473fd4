// Agents: goals and their jobs, one job with its steps, and schedules.
import { useEffect } from 'preact/hooks'
import type { AgentsAbout } from '../../api/agents'
import { about, agentsError, lookForAgents } from '../../state/agents'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Icon } from '../Icon'
import { Page } from '../Page'
import { JobList } from './JobList'
import { JobView } from './JobView'
import { Schedules } from './Schedules'

/** How what confines the programs of agents is described when it works; anything else is why none does. */
const SANDBOX = /^(bubblewrap|landlock)\b(?!:)/i

function Off() {
  const words = t.value.agents
  return (
    <section class="card agents-off">
      <Icon name="agent" />
      <h2>{words.off}</h2>
      <p>{words.offHint}</p>
      <code class="command">{words.offCommand}</code>
      <button type="button" class="button" onClick={() => void lookForAgents()}>{words.offAgain}</button>
    </section>
  )
}

function Tabs({ isSchedules }: { isSchedules: boolean }) {
  const words = t.value.agents
  return (
    <nav class="tabs" aria-label={words.pages}>
      <a href={links.agents} aria-current={isSchedules ? undefined : 'page'}>{words.jobs}</a>
      <a href={links.schedules} aria-current={isSchedules ? 'page' : undefined}>{words.schedules.title}</a>
    </nav>
  )
}

function NoSandbox({ now }: { now: AgentsAbout }) {
  const words = t.value.agents
  return (
    <div class="notice notice-warning">
      <Icon name="warning" />
      <div class="notice-text">
        <span>{words.noSandbox}</span>
        <span class="notice-detail">{now.sandbox}</span>
      </div>
    </div>
  )
}

/** Where the server cannot be reached: what is seen is old; or, where nothing is known, what to do. */
export function Trouble({ hasData }: { hasData: boolean }) {
  const { value: error } = agentsError
  if (!error) return null
  if (hasData && error.kind === 'network') return <p class="notice notice-warning" role="alert"><Icon name="warning" /><span>{t.value.agents.stale}</span></p>
  return <ErrorNotice error={error} otherwise={t.value.agents.problem} onRetry={() => void lookForAgents()} />
}

function Overview({ isSchedules }: { isSchedules: boolean }) {
  const words = t.value.agents
  const { value: now } = about
  const isConfined = SANDBOX.test(now?.sandbox ?? '')
  useEffect(() => {
    if (about.peek()?.enabled !== true) void lookForAgents()
  }, [])
  return (
    <Page title={words.title}>
      <Trouble hasData={now !== null} />
      {now?.enabled === false && <Off />}
      {now === null && !agentsError.value && <p class="hint" role="status">{t.value.common.loading}</p>}
      {now?.enabled && (
        <>
          <Tabs isSchedules={isSchedules} />
          <p class="hint">{isSchedules ? words.schedules.intro : words.intro}</p>
          {!isConfined && <NoSandbox now={now} />}
          {isSchedules ? <Schedules about={now} /> : <JobList about={now} />}
          {isConfined && <p class="hint">{words.sandbox(now.sandbox ?? '')}</p>}
        </>
      )}
    </Page>
  )
}

export function AgentsView({ id }: { id: string | null }) {
  if (id !== null && /^\d+$/.test(id)) return <JobView key={id} id={Number(id)} />
  return <Overview isSchedules={id === 'schedules'} />
}
