// Texts that were typed and not sent, by conversation; they survive a reload.
import { read, write } from './persisted'

const key = (conversation: string | null) => `ondol.draft.${conversation ?? 'new'}`

export const loadDraft = (conversation: string | null) => read<string>(key(conversation), '')

export const saveDraft = (conversation: string | null, text: string) => write(key(conversation), text || undefined)
