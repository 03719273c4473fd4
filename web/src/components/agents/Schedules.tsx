// Schedules: those that there are, and a new one.
import { useEffect, useId, useState } from 'preact/hooks'
import type { AgentsAbout, Schedule, ScheduleKind, ScheduleWish } from '../../api/agents'
import type { ApiError } from '../../api/client'
import { moment } from '../../i18n/format'
import { deleteSchedule, makeSchedule, readSchedules, runSchedule, schedules, schedulesError, watchSchedules } from '../../state/agent-schedules'
import { emptyForm, isFilled, wishOf, type GoalForm } from '../../state/agent-wish'
import { asApiError } from '../../state/documents'
import { showToast } from '../../state/interface'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Choice, Dialog, IconButton } from '../controls'
import { ErrorLine } from '../ErrorLine'
import { Icon } from '../Icon'
import { GoalFields } from './GoalFields'
import { HookSecret } from './HookSecret'

const KINDS: ScheduleKind[] = ['times', 'files', 'hook']

interface When {
  name: string
  kind: ScheduleKind
  at: string
  files: string
}

function Row({ schedule, onDelete }: { schedule: Schedule; onDelete: () => void }) {
  const words = t.value.agents.schedules
  const { name, kind, at, files, hook, next_at: next, last_at: last, job } = schedule
  return (
    <li class="schedule">
      <div class="schedule-text">
        <h3>{name}</h3>
        <p class="job-goal">{job.goal}</p>
        <span class="facts">
          <span>{words.kinds[kind] ?? kind}</span>
          <span><code>{at ?? files ?? hook ?? ''}</code></span>
          {kind === 'times' && <span>{next ? words.next(moment(next)) : words.noNext}</span>}
          {last ? <span>{words.last(moment(last))}</span> : null}
          <span>{job.workspace}</span>
        </span>
      </div>
      <div class="schedule-actions">
        <button type="button" class="button" aria-label={words.runLabel(name)} onClick={() => void runSchedule(name)}>{words.run}</button>
        <IconButton icon="trash" label={words.deleteLabel(name)} onClick={onDelete} />
      </div>
    </li>
  )
}

function ConfirmDelete({ name, onClose }: { name: string; onClose: () => void }) {
  const words = t.value.agents.schedules
  const remove = () => {
    onClose()
    void deleteSchedule(name)
  }
  return (
    <Dialog title={words.deleteTitle} onClose={onClose}>
      <p>{words.deleteText(name)}</p>
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>{t.value.common.cancel}</button>
        <button type="button" class="button danger" onClick={remove}>{t.value.common.delete}</button>
      </div>
    </Dialog>
  )
}

function Times({ at, onChange }: { at: string; onChange: (at: string) => void }) {
  const id = useId()
  const words = t.value.agents.schedules
  return (
    <div>
      <label for={id}>{words.at}</label>
      <input id={id} class="input code-input" value={at} spellcheck={false} autocapitalize="off" autocomplete="off" aria-describedby={`${id}h`} onInput={(e) => onChange(e.currentTarget.value)} />
      <ul class="presets" aria-label={words.presets}>
        {words.times.map((preset) => (
          <li key={preset.at}><button type="button" class="button small" aria-pressed={preset.at === at} onClick={() => onChange(preset.at)}>{preset.label}</button></li>
        ))}
      </ul>
      <p class="hint" id={`${id}h`}>{words.atHint}</p>
    </div>
  )
}

function WhenFields({ when, change }: { when: When; change: (part: Partial<When>) => void }) {
  const id = useId()
  const words = t.value.agents.schedules
  return (
    <>
      <label for={`${id}n`}>{words.name}</label>
      <input id={`${id}n`} class="input" value={when.name} maxLength={64} spellcheck={false} autocapitalize="off" autocomplete="off" aria-describedby={`${id}nh`} onInput={(e) => change({ name: e.currentTarget.value })} />
      <p class="hint" id={`${id}nh`}>{words.nameHint}</p>
      <Choice legend={words.kind} value={when.kind} options={KINDS.map((value) => ({ value, label: words.kinds[value] }))} onChange={(kind) => change({ kind })} />
      {when.kind === 'times' && <Times at={when.at} onChange={(at) => change({ at })} />}
      {when.kind === 'files' && (
        <div>
          <label for={`${id}f`}>{words.files}</label>
          <input id={`${id}f`} class="input code-input" value={when.files} spellcheck={false} autocapitalize="off" autocomplete="off" aria-describedby={`${id}fh`} onInput={(e) => change({ files: e.currentTarget.value })} />
          <p class="hint" id={`${id}fh`}>{words.filesHint}</p>
        </div>
      )}
      {when.kind === 'hook' && <p class="hint">{words.hookHint}</p>}
    </>
  )
}

const FRESH: When = { name: '', kind: 'times', at: '0 8 * * *', files: '' }

const isComplete = ({ name, kind, at, files }: When) =>
  /^[\w.-]+$/.test(name) && (kind === 'hook' || (kind === 'times' ? at : files).trim() !== '')

function scheduleWish({ name, kind, at, files }: When, job: ScheduleWish['job']): ScheduleWish {
  return { name, kind, ...(kind === 'times' ? { at: at.trim() } : kind === 'files' ? { files: files.trim() } : {}), job }
}

function NewSchedule({ about, onMade }: { about: AgentsAbout; onMade: (made: Schedule) => void }) {
  const [when, setWhen] = useState<When>(FRESH)
  const [form, setForm] = useState<GoalForm>(emptyForm)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const words = t.value.agents.schedules
  const canMake = isComplete(when) && isFilled(form, about) && !isBusy
  const make = async (event: Event) => {
    event.preventDefault()
    if (!canMake) return
    setBusy(true)
    setError(null)
    try {
      const made = await makeSchedule(scheduleWish(when, wishOf(form, about)))
      showToast(words.made(made.name))
      setWhen(FRESH)
      setForm(emptyForm())
      onMade(made)
    } catch (caught) {
      setError(asApiError(caught))
    } finally {
      setBusy(false)
    }
  }
  return (
    <section class="card">
      <h2>{words.new}</h2>
      <form class="form goal-form" onSubmit={(event) => void make(event)}>
        <WhenFields when={when} change={(part) => setWhen((before) => ({ ...before, ...part }))} />
        <GoalFields form={form} about={about} change={(part) => setForm((before) => ({ ...before, ...part }))} />
        {error && <ErrorLine error={error} />}
        <button type="submit" class="button primary" disabled={!canMake}>
          <Icon name="plus" />
          {words.create}
        </button>
      </form>
    </section>
  )
}

export function Schedules({ about }: { about: AgentsAbout }) {
  const [deleting, setDeleting] = useState<string | null>(null)
  const [made, setMade] = useState<Schedule | null>(null)
  useEffect(watchSchedules, [])
  const words = t.value.agents.schedules
  const { value: all } = schedules
  const { value: error } = schedulesError
  return (
    <>
      <section>
        <h2>{words.title}</h2>
        {error && error.kind !== 'network' && <ErrorNotice error={error} otherwise={t.value.agents.problem} onRetry={() => void readSchedules(false)} />}
        {all === null && !error && <p class="hint" role="status">{t.value.common.loading}</p>}
        {all?.length === 0 && <p class="hint">{words.none}</p>}
        <ul class="schedules">{all?.map((schedule) => <Row key={schedule.name} schedule={schedule} onDelete={() => setDeleting(schedule.name)} />)}</ul>
      </section>
      <NewSchedule about={about} onMade={(schedule) => schedule.secret !== undefined && setMade(schedule)} />
      {deleting !== null && <ConfirmDelete name={deleting} onClose={() => setDeleting(null)} />}
      {made && <HookSecret schedule={made} onClose={() => setMade(null)} />}
    </>
  )
}
