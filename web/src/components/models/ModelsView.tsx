// The models of this machine: what they are, whether they fit; fetching new ones and deleting old ones.
import { useEffect, useId, useState } from 'preact/hooks'
import type { ModelInfo } from '../../api/types'
import { bytes } from '../../i18n/format'
import { download } from '../../state/downloads'
import { showToast } from '../../state/interface'
import { chooseModel, deleteModel, loadModels, models, modelsError, modelsState } from '../../state/models'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Dialog, IconButton } from '../controls'
import { Icon } from '../Icon'
import { Page } from '../Page'
import { Downloads } from './Downloads'
import { FitBadge, ModelFacts, planOf } from './ModelFacts'

function DownloadForm() {
  const [name, setName] = useState('')
  const id = useId()
  const words = t.value.models
  const start = (event: Event) => {
    event.preventDefault()
    const model = name.trim()
    if (!model) return
    setName('')
    void download(model)
  }
  return (
    <section class="card">
      <h2>{words.download}</h2>
      <form class="form" onSubmit={start}>
        <label for={id}>{words.downloadLabel}</label>
        <div class="row">
          <input id={id} class="input" value={name} placeholder={words.downloadPlaceholder} aria-describedby={`${id}hint`} autocomplete="off" spellcheck={false} autocapitalize="off" onInput={(e) => setName(e.currentTarget.value)} />
          <button type="submit" class="button primary" disabled={name.trim() === ''}>
            <Icon name="download" />
            {words.start}
          </button>
        </div>
        <p class="hint" id={`${id}hint`}>{words.downloadHint}</p>
      </form>
      <Downloads />
    </section>
  )
}

function ConfirmDelete({ model, onClose }: { model: ModelInfo; onClose: () => void }) {
  const words = t.value.models
  const remove = async () => {
    onClose()
    try {
      await deleteModel(model.id)
      showToast(words.deleted(model.id))
    } catch (error) {
      showToast(error instanceof Error ? error.message : String(error), { kind: 'error' })
    }
  }
  return (
    <Dialog title={words.deleteTitle} onClose={onClose}>
      <p>{words.deleteText(model.id, bytes(model.ondol?.size_bytes ?? 0))}</p>
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>{t.value.common.cancel}</button>
        <button type="button" class="button danger" onClick={() => void remove()}>{t.value.common.delete}</button>
      </div>
    </Dialog>
  )
}

function ModelCard({ model, onDelete }: { model: ModelInfo; onDelete: () => void }) {
  const words = t.value.models
  const use = () => {
    go(links.chat(null))
    chooseModel(model.id)
  }
  return (
    <li class="model-card">
      <div class="model-card-text">
        <h3>{model.id}</h3>
        <span class="model-line">
          <FitBadge model={model} />
          <ModelFacts model={model} />
        </span>
        {planOf(model) && <p class="hint">{planOf(model)}</p>}
      </div>
      <div class="model-card-actions">
        <button type="button" class="button" onClick={use}>{words.use}</button>
        <IconButton icon="trash" label={words.delete(model.id)} onClick={onDelete} />
      </div>
    </li>
  )
}

export function ModelsView() {
  const [deleting, setDeleting] = useState<ModelInfo | null>(null)
  useEffect(() => void loadModels(), [])
  const words = t.value.models
  const isEmpty = modelsState.value === 'ready' && models.value.length === 0
  return (
    <Page title={words.title} side={<IconButton icon="again" label={words.refresh} onClick={() => void loadModels()} />}>
      <DownloadForm />
      <section>
        <h2>{words.onMachine}</h2>
        {modelsError.value && <ErrorNotice error={modelsError.value} onRetry={() => void loadModels()} />}
        {isEmpty && <p class="hint">{words.empty}</p>}
        <ul class="model-cards">
          {models.value.map((model) => <ModelCard key={model.id} model={model} onDelete={() => setDeleting(model)} />)}
        </ul>
      </section>
      {deleting && <ConfirmDelete model={deleting} onClose={() => setDeleting(null)} />}
    </Page>
  )
}
