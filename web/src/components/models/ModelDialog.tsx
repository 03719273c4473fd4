import { useEffect, useState } from 'preact/hooks'
import { chooseModel, chosenModel, loadModels, models, modelsError, modelsState } from '../../state/models'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Dialog } from '../controls'
import { Icon } from '../Icon'
import { FitBadge, ModelFacts, planOf } from './ModelFacts'

const MANY = 6

export function ModelDialog({ onClose }: { onClose: () => void }) {
  const [filter, setFilter] = useState('')
  useEffect(() => void loadModels(), [])
  const words = t.value.models
  const shown = models.value.filter((m) => m.id.toLowerCase().includes(filter.trim().toLowerCase()))
  const choose = (id: string) => {
    chooseModel(id)
    onClose()
  }
  return (
    <Dialog title={words.choose} onClose={onClose}>
      {models.value.length > MANY && (
        <input class="input" type="text" placeholder={words.filter} aria-label={words.filter} value={filter} onInput={(e) => setFilter(e.currentTarget.value)} autofocus />
      )}
      {modelsError.value && <ErrorNotice error={modelsError.value} onRetry={() => void loadModels()} />}
      {modelsState.value === 'loading' && <p class="hint">{t.value.common.loading}</p>}
      {modelsState.value === 'ready' && shown.length === 0 && <p class="hint">{filter ? words.filtered : t.value.welcome.noModel}</p>}
      <ul class="model-choices">
        {shown.map((model) => (
          <li key={model.id}>
            <button type="button" aria-pressed={model.id === chosenModel.value} onClick={() => choose(model.id)} title={planOf(model)}>
              <span class="model-name">
                {model.id}
                {model.id === chosenModel.value && <Icon name="check" />}
              </span>
              <span class="model-line">
                <FitBadge model={model} />
                <ModelFacts model={model} />
              </span>
              {model.ondol?.fits === false && <span class="hint">{planOf(model)}</span>}
            </button>
          </li>
        ))}
      </ul>
      <a class="button" href={links.models} onClick={onClose}>
        <Icon name="download" />
        {words.manage}
      </a>
    </Dialog>
  )
}
