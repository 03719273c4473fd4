// The server's models and which of them is asked.
import { computed, signal } from '@preact/signals'
import { deleteModel as deleteOnServer, listModels } from '../api/models'
import { ApiError } from '../api/client'
import type { ModelInfo } from '../api/types'
import { change, current } from './conversations'
import { persisted } from './persisted'

export const models = signal<ModelInfo[]>([])
export const modelsState = signal<'loading' | 'ready' | 'failed'>('loading')
export const modelsError = signal<ApiError | null>(null)

const lastChosen = persisted<string>('ondol.model', '')

let loading: Promise<void> | null = null

export function loadModels(): Promise<void> {
  loading ??= (async () => {
    try {
      models.value = await listModels()
      modelsState.value = 'ready'
      modelsError.value = null
    } catch (error) {
      modelsState.value = 'failed'
      modelsError.value = error instanceof ApiError ? error : new ApiError('stream', String(error))
    } finally {
      loading = null
    }
  })()
  return loading
}

export const findModel = (id: string) => models.value.find((m) => m.id === id)

/** A model that was fetched under this name; the server adds the precision that it chose. */
export function fetchedModel(name: string): ModelInfo | undefined {
  const wanted = name.toLowerCase()
  return findModel(name) ?? models.value.find((m) => m.id.toLowerCase() === wanted || m.id.toLowerCase().startsWith(`${wanted}:`))
}

/** The conversation's model, else the one chosen last, else a loaded one, else the first that fits. */
export const chosenModel = computed<string>(() => {
  const wanted = [current.value?.model ?? '', lastChosen.value].find((id) => id && findModel(id))
  if (wanted) return wanted
  const best = models.value.find((m) => m.ondol?.state === 'loaded') ?? models.value.find((m) => m.ondol?.fits !== false)
  return (best ?? models.value[0])?.id ?? ''
})

export const chosenInfo = computed(() => findModel(chosenModel.value))

export function chooseModel(id: string): void {
  lastChosen.value = id
  if (current.value) change(current.value.id, (c) => ({ ...c, model: id }))
}

export async function deleteModel(id: string): Promise<void> {
  await deleteOnServer(id)
  await loadModels()
}

/** Hugging Face names are long; the part after the last slash is enough to tell models apart in a line. */
export const shortName = (id: string) => id.split('/').at(-1) ?? id
