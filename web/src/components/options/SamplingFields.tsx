// Every setting of sampling with a plain explanation; each can go back to the model's own default.
import { useId } from 'preact/hooks'
import type { ReasoningEffort } from '../../api/types'
import { number } from '../../i18n/format'
import { chosenInfo } from '../../state/models'
import { changeSampling, NUMBER_FIELDS, sampling, type NumberField } from '../../state/sampling'
import { t } from '../../state/settings'
import { Choice, IconButton } from '../controls'

function clamped(field: NumberField, text: string): number | undefined {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) return undefined
  const inside = Math.min(field.max, Math.max(field.min, value))
  return field.step >= 1 ? Math.round(inside) : inside
}

function Field({ field }: { field: NumberField }) {
  const id = useId()
  const words = t.value.options
  const { name, hint } = words.fields[field.key]
  const value = sampling.value[field.key]
  const set = (text: string) => changeSampling(field.key, clamped(field, text))
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>{name}</label>
        <output class={value === undefined ? 'muted' : ''}>{value === undefined ? words.default : field.slider ? number(value, 2) : ''}</output>
        {value !== undefined && <IconButton icon="again" label={words.reset(name)} onClick={() => changeSampling(field.key, undefined)} />}
      </div>
      {field.slider ? (
        <input
          id={id} type="range" class={value === undefined ? 'untouched' : ''} min={field.min} max={field.max} step={field.step}
          value={value ?? field.neutral} aria-describedby={`${id}hint`} onInput={(e) => set(e.currentTarget.value)}
        />
      ) : (
        <input
          id={id} type="number" class="input" min={field.min} max={field.max} step={field.step} value={value ?? ''}
          aria-describedby={`${id}hint`} onChange={(e) => set(e.currentTarget.value)}
        />
      )}
      <p class="hint" id={`${id}hint`}>{hint}</p>
    </div>
  )
}

function StopTexts() {
  const id = useId()
  const words = t.value.options
  const set = (text: string) => {
    const list = text.split('\n').filter((line) => line !== '')
    changeSampling('stop', list.length ? list.slice(0, 16) : undefined)
  }
  return (
    <div class="field">
      <div class="field-head"><label for={id}>{words.stop}</label></div>
      <textarea id={id} class="input" rows={2} value={(sampling.value.stop ?? []).join('\n')} aria-describedby={`${id}hint`} onChange={(e) => set(e.currentTarget.value)} />
      <p class="hint" id={`${id}hint`}>{words.stopHint}</p>
    </div>
  )
}

const EFFORTS = ['default', 'none', 'low', 'medium', 'high'] as const

function Reasoning() {
  const words = t.value.options
  const can = chosenInfo.value?.ondol?.has_reasoning !== false
  return (
    <div class="field">
      <Choice
        legend={words.reasoning}
        disabled={!can}
        value={sampling.value.reasoning_effort ?? 'default'}
        options={EFFORTS.map((value) => ({ value, label: words.efforts[value] }))}
        onChange={(value) => changeSampling('reasoning_effort', value === 'default' ? undefined : (value as ReasoningEffort))}
      />
      <p class="hint">{can ? words.reasoningHint : words.noReasoning}</p>
    </div>
  )
}

export function SamplingFields() {
  const words = t.value.options
  const changed = Object.keys(sampling.value).length > 0
  return (
    <section class="section">
      <div class="section-head">
        <h3>{words.sampling}</h3>
        <button type="button" class="button small" disabled={!changed} onClick={() => (sampling.value = {})}>{words.resetAll}</button>
      </div>
      <p class="hint">{words.samplingHint}</p>
      <Reasoning />
      {NUMBER_FIELDS.map((field) => <Field key={field.key} field={field} />)}
      <StopTexts />
    </section>
  )
}
