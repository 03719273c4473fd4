// What belongs to a goal: its text, where it is worked on, what may happen, and how much it may take.
import type { ComponentChildren } from 'preact'
import { useEffect, useId } from 'preact/hooks'
import type { AgentsAbout, ToolAbout } from '../../api/agents'
import { number } from '../../i18n/format'
import { APPROVALS, SCOPES, USUAL_BUDGET, workspaceOf, type GoalForm } from '../../state/agent-wish'
import { loadModels, models } from '../../state/models'
import { t } from '../../state/settings'
import { useGrowing } from '../chat/Composer'
import { Choice } from '../controls'
import { Icon } from '../Icon'

interface FieldsProps {
  form: GoalForm
  about: AgentsAbout
  change: (part: Partial<GoalForm>) => void
}

function Fold({ title, note, children }: { title: string; note: string; children: ComponentChildren }) {
  return (
    <details class="fold goal-fold">
      <summary>
        <Icon name="right" />
        <span>{title}</span>
        {note && <span class="muted">{note}</span>}
      </summary>
      {children}
    </details>
  )
}

function ToolChoice({ tool, isOn, onChange }: { tool: ToolAbout; isOn: boolean; onChange: (isOn: boolean) => void }) {
  const words = t.value.agents.goal
  return (
    <li>
      <label class="check tool-choice">
        <input type="checkbox" checked={isOn} onChange={(e) => onChange(e.currentTarget.checked)} />
        <span>
          <code class="tool-name">{tool.name}</code> <span class={`effect effect-${tool.effect.replace(' ', '-')}`}>{words.effects[tool.effect] ?? tool.effect}</span>
          <span class="hint">{tool.description}</span>
        </span>
      </label>
    </li>
  )
}

function Tools({ form, about, change }: FieldsProps) {
  const words = t.value.agents.goal
  const all = about.tools.map((tool) => tool.name)
  const chosen = new Set(form.tools ?? all)
  const set = (names: Set<string>) => change({ tools: names.size === all.length ? null : all.filter((name) => names.has(name)) })
  const toggle = (name: string, isOn: boolean) => {
    const next = new Set(chosen)
    if (isOn) next.add(name)
    else next.delete(name)
    set(next)
  }
  return (
    <Fold title={words.tools} note={words.toolsOf(chosen.size, all.length)}>
      <div class="row">
        <button type="button" class="button small" onClick={() => set(new Set(all))}>{words.all}</button>
        <button type="button" class="button small" onClick={() => set(new Set())}>{words.none}</button>
      </div>
      <ul class="tool-choices">
        {about.tools.map((tool) => <ToolChoice key={tool.name} tool={tool} isOn={chosen.has(tool.name)} onChange={(isOn) => toggle(tool.name, isOn)} />)}
      </ul>
    </Fold>
  )
}

function BudgetFields({ form, change }: FieldsProps) {
  const id = useId()
  const words = t.value.agents.goal
  const fields = [
    { key: 'turns', usual: USUAL_BUDGET.turns, most: 1000 },
    { key: 'tokens', usual: USUAL_BUDGET.tokens, most: 100_000_000 },
    { key: 'minutes', usual: USUAL_BUDGET.seconds / 60, most: 10_000 },
  ] as const
  const set = fields.filter(({ key }) => form[key] !== '').map(({ key }) => `${words[key]}: ${form[key]}`)
  return (
    <Fold title={words.budget} note={set.join(', ')}>
      <p class="hint" id={`${id}h`}>{words.budgetHint}</p>
      <div class="budget">
        {fields.map(({ key, usual, most }) => (
          <div key={key}>
            <label for={`${id}${key}`}>{words[key]}</label>
            <input
              id={`${id}${key}`} class="input" type="number" min="1" max={most} step="any" value={form[key]} placeholder={number(usual)} aria-describedby={`${id}h`}
              onInput={(e) => change({ [key]: e.currentTarget.value })}
            />
          </div>
        ))}
      </div>
    </Fold>
  )
}

function Place({ form, about, change }: FieldsProps) {
  const id = useId()
  const words = t.value.agents.goal
  return (
    <div class="goal-place">
      <div>
        <label for={`${id}w`}>{words.workspace}</label>
        <select id={`${id}w`} class="input" value={workspaceOf(form, about)} onChange={(e) => change({ workspace: e.currentTarget.value })}>
          {about.workspaces.map((path) => <option key={path} value={path}>{path}</option>)}
        </select>
        {about.workspaces.length === 0 && <p class="hint bad">{words.noWorkspace}</p>}
      </div>
      <div>
        <label for={`${id}m`}>{words.model}</label>
        <select id={`${id}m`} class="input" value={form.model} onChange={(e) => change({ model: e.currentTarget.value })}>
          <option value="">{words.anyModel}</option>
          {models.value.filter((m) => m.ondol?.fits !== false).map((m) => <option key={m.id} value={m.id}>{m.id}</option>)}
        </select>
      </div>
    </div>
  )
}

export function GoalFields({ form, about, change }: FieldsProps) {
  const id = useId()
  const area = useGrowing(form.goal)
  useEffect(() => void loadModels(), [])
  const words = t.value.agents.goal
  return (
    <>
      <label for={`${id}g`}>{words.text}</label>
      <textarea
        ref={area} id={`${id}g`} class="input goal-text" rows={2} value={form.goal} placeholder={words.placeholder} maxLength={20_000} autocomplete="off"
        onInput={(e) => change({ goal: e.currentTarget.value })}
      />
      <Place form={form} about={about} change={change} />
      <Choice legend={words.scope} value={form.scope} options={SCOPES.map((value) => ({ value, label: words.scopes[value] }))} onChange={(scope) => change({ scope })} />
      <p class="hint">{words.scopeHints[form.scope]}</p>
      {form.scope === 'full' && (
        <div>
          <label for={`${id}h`}>{words.hosts}</label>
          <input id={`${id}h`} class="input code-input" value={form.hosts} spellcheck={false} autocapitalize="off" autocomplete="off" aria-describedby={`${id}hh`} onInput={(e) => change({ hosts: e.currentTarget.value })} />
          <p class="hint" id={`${id}hh`}>{words.hostsHint}</p>
        </div>
      )}
      {form.scope !== 'read-only' && (
        <>
          <Choice legend={words.approve} value={form.approve} options={APPROVALS.map((value) => ({ value, label: words.approvals[value] }))} onChange={(approve) => change({ approve })} />
          <p class="hint">{words.approvalHints[form.approve]}</p>
        </>
      )}
      <Tools form={form} about={about} change={change} />
      <BudgetFields form={form} about={about} change={change} />
    </>
  )
}
