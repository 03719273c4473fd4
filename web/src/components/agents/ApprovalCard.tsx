// What a job asks, and the answers to it.
import { useRef } from 'preact/hooks'
import type { Answer, Job } from '../../api/agents'
import { answerJob } from '../../state/agents'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { Icon } from '../Icon'
import { Preview } from './Preview'

/** `isLinked`: with its goal and the way to it, where it stands among others. */
export function ApprovalCard({ job, isLinked = false }: { job: Job; isLinked?: boolean }) {
  const isBusy = useRef(false)
  const root = useRef<HTMLElement>(null)
  const words = t.value.agents.ask
  const { question, id } = job
  if (!question) return null
  const { tool, reason, preview, can_always: canAlways } = question
  const answer = async (value: Answer) => {
    if (isBusy.current) return
    isBusy.current = true
    const page = root.current?.closest<HTMLElement>('.page-body')
    await answerJob(id, value)
    isBusy.current = false
    // The card is gone, and the focus with it: the keyboard goes on from the page.
    requestAnimationFrame(() => document.activeElement === document.body && page?.focus({ preventScroll: true }))
  }
  return (
    <section ref={root} class="card approval" aria-label={words.label(id)}>
      <header class="approval-head">
        <Icon name="warning" />
        <h3>{words.title}</h3>
        <code class="tool-name">{tool}</code>
        {isLinked && <a href={links.job(id)} aria-label={t.value.agents.open(id)}>{t.value.agents.name(id)}</a>}
      </header>
      {isLinked && <p class="approval-goal">{job.goal}</p>}
      <Preview text={preview} tool={tool} />
      {reason && <p class="hint">{words.why} {words.reasons[reason] ?? reason}</p>}
      <div class="row">
        <button type="button" class="button primary" aria-label={words.yesLabel(tool, id)} onClick={() => void answer('yes')}>
          <Icon name="check" />
          {words.yes}
        </button>
        {canAlways && <button type="button" class="button" aria-label={words.alwaysLabel(tool, id)} onClick={() => void answer('always')}>{words.always}</button>}
        <button type="button" class="button danger" aria-label={words.noLabel(tool, id)} onClick={() => void answer('no')}>
          <Icon name="close" />
          {words.no}
        </button>
        <span class="hint">{canAlways ? words.alwaysHint : words.onceHint}</span>
      </div>
    </section>
  )
}
