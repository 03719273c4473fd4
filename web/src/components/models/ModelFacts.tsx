import type { ModelInfo } from '../../api/types'
import { bytes, tokens } from '../../i18n/format'
import { t } from '../../state/settings'

/** Whether it is loaded or would fit, said by shape and word, not by colour alone. */
export function FitBadge({ model }: { model: ModelInfo }) {
  const words = t.value.models
  if (!model.ondol) return null
  const { state, fits } = model.ondol
  const kind = state === 'loaded' ? 'loaded' : fits ? 'fits' : 'fits-not'
  return <span class={`badge badge-${kind}`}>{state === 'loaded' ? words.loaded : fits ? words.fits : words.fitsNot}</span>
}

/** Quantisation, size, context and abilities in one line. */
export function ModelFacts({ model }: { model: ModelInfo }) {
  const words = t.value.models
  const { ondol } = model
  if (!ondol) return null
  const facts = [
    ondol.quantization,
    bytes(ondol.size_bytes),
    words.contextLength(tokens(ondol.loaded_context || ondol.context_length)),
    ondol.has_tools ? words.tools : '',
    ondol.has_reasoning ? words.reasoning : '',
  ]
  return <span class="facts">{facts.filter(Boolean).map((fact) => <span key={fact}>{fact}</span>)}</span>
}

/** How the model would lie in memory, or why it does not fit. */
export function planOf({ ondol }: ModelInfo): string {
  const memory = ondol?.memory
  if (!memory) return ondol?.plan ?? ''
  const words = t.value.models.plan
  const [weights, context, work, free] = [memory.weights_bytes, memory.kv_bytes, memory.working_bytes, memory.available_bytes].map(bytes) as [string, string, string, string]
  const needs = words.needs(weights, context, tokens(memory.context_length), work, free)
  if (!ondol.fits) return `${needs} ${memory.fitting_context < 0 ? words.tooLarge : words.shorter(tokens(memory.fitting_context))}`
  return memory.context_length < memory.context_wanted ? `${needs} ${words.cut(tokens(memory.context_wanted))}` : needs
}
