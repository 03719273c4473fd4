// What a person fills in for a new goal, and the wish that it is for the server.
import type { AgentsAbout, Approve, Budget, JobWish, Scope } from '../api/agents'
import { persisted } from './persisted'

export const SCOPES: Scope[] = ['read-only', 'workspace', 'full']
export const APPROVALS: Approve[] = ['ask', 'auto', 'never']

export interface GoalForm {
  goal: string
  workspace: string
  /** Empty: the server's choice. */
  model: string
  scope: Scope
  approve: Approve
  hosts: string
  /** null: all. */
  tools: string[] | null
  turns: string
  tokens: string
  minutes: string
}

/** What was chosen last. */
export const usual = persisted<Pick<GoalForm, 'workspace' | 'scope' | 'approve'>>('ondol.agents', { workspace: '', scope: 'workspace', approve: 'ask' })

/** The budget of a job that names none. */
export const USUAL_BUDGET: Budget = { turns: 30, tokens: 200_000, seconds: 1800 }

export function emptyForm(): GoalForm {
  return { goal: '', model: '', hosts: '', tools: null, turns: '', tokens: '', minutes: '', ...usual.peek() }
}

/** The folder that was chosen, if the server still has it. */
export function workspaceOf(form: GoalForm, about: AgentsAbout): string {
  return about.workspaces.includes(form.workspace) ? form.workspace : about.workspaces[0] ?? ''
}

function budgetOf({ turns, tokens, minutes }: GoalForm): Partial<Budget> {
  const budget: Partial<Budget> = {}
  const positive = (text: string) => (Number(text) > 0 ? Number(text) : null)
  const [n, m, s] = [positive(turns), positive(tokens), positive(minutes)]
  if (n !== null) budget.turns = Math.max(1, Math.round(n))
  if (m !== null) budget.tokens = Math.max(1, Math.round(m))
  if (s !== null) budget.seconds = Math.max(1, Math.round(s * 60))
  return budget
}

/** Whether something can be started with it. */
export function isFilled(form: GoalForm, about: AgentsAbout): boolean {
  return form.goal.trim() !== '' && workspaceOf(form, about) !== '' && form.tools?.length !== 0
}

export function wishOf(form: GoalForm, about: AgentsAbout): JobWish {
  const budget = budgetOf(form)
  const hosts = form.scope === 'full' ? form.hosts.split(/[\s,]+/).filter((host) => host !== '') : []
  return {
    goal: form.goal.trim(),
    workspace: workspaceOf(form, about),
    scope: form.scope,
    approve: form.approve,
    ...(form.model ? { model: form.model } : {}),
    ...(form.tools ? { tools: form.tools } : {}),
    ...(hosts.length > 0 ? { hosts } : {}),
    ...(Object.keys(budget).length > 0 ? { budget } : {}),
  }
}
