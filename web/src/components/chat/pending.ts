// Files that are attached and not sent yet, by conversation, and why others were not attached.
import { computed, signal } from '@preact/signals'
import { readAttachment, type Refusal } from '../../state/attachments'
import { chosenModel, shortName } from '../../state/models'
import { route } from '../../state/router'
import type { Attachment } from '../../state/tree'

const NEW = 'new'
const here = computed(() => (route.value.view === 'chat' ? (route.value.id ?? NEW) : NEW))

const attached = signal<Record<string, Attachment[]>>({})

export const refusal = signal<{ kind: Refusal; file: string; model: string } | null>(null)
export const pending = computed(() => attached.value[here.value] ?? [])

const set = (place: string, list: Attachment[]) => (attached.value = { ...attached.value, [place]: list })

export async function addFiles(files: File[]): Promise<void> {
  refusal.value = null
  const place = here.value
  for (const file of files) {
    const result = await readAttachment(file)
    if (typeof result === 'string') refusal.value = { kind: result, file: file.name, model: shortName(chosenModel.value) }
    else set(place, [...(attached.value[place] ?? []), result])
  }
}

export function removePending(index: number): void {
  set(here.value, pending.value.filter((_, i) => i !== index))
}

export function takePending(): Attachment[] {
  const list = pending.value
  set(here.value, [])
  refusal.value = null
  return list
}
