// System prompts that were saved under a name.
import { persisted } from './persisted'

export interface Preset {
  name: string
  text: string
}

export const presets = persisted<Preset[]>('ondol.presets', [])

/** A preset of the same name is replaced. */
export function savePreset(preset: Preset): void {
  presets.value = [...presets.value.filter((p) => p.name !== preset.name), preset].sort((a, b) => a.name.localeCompare(b.name))
}

export function deletePreset(name: string): void {
  presets.value = presets.value.filter((p) => p.name !== name)
}
