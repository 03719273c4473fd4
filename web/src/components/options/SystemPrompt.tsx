import { useId, useState } from 'preact/hooks'
import { showToast } from '../../state/interface'
import { deletePreset, presets, savePreset } from '../../state/presets'
import { t } from '../../state/settings'
import { IconButton } from '../controls'

function Presets({ text, onUse }: { text: string; onUse: (text: string) => void }) {
  const [name, setName] = useState('')
  const id = useId()
  const words = t.value.options
  const save = (event: Event) => {
    event.preventDefault()
    savePreset({ name: name.trim(), text })
    showToast(words.presetSaved(name.trim()))
    setName('')
  }
  return (
    <>
      {presets.value.length > 0 && (
        <ul class="presets" aria-label={words.presets}>
          {presets.value.map((preset) => (
            <li key={preset.name} class="chip">
              <button type="button" title={preset.text} aria-pressed={preset.text === text} onClick={() => onUse(preset.text)}>{preset.name}</button>
              <IconButton icon="close" label={words.deletePreset(preset.name)} onClick={() => deletePreset(preset.name)} />
            </li>
          ))}
        </ul>
      )}
      {text.trim() !== '' && (
        <form class="row" onSubmit={save}>
          <label class="sr-only" for={id}>{words.presetName}</label>
          <input id={id} class="input" value={name} placeholder={words.presetName} onInput={(e) => setName(e.currentTarget.value)} />
          <button type="submit" class="button" disabled={name.trim() === ''}>{words.savePreset}</button>
        </form>
      )}
    </>
  )
}

export function SystemPrompt({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const id = useId()
  const words = t.value.options
  return (
    <section class="section">
      <h3><label for={id}>{words.system}</label></h3>
      <p class="hint" id={`${id}hint`}>{words.systemHint}</p>
      <textarea
        id={id} class="input" rows={5} value={text} placeholder={words.systemPlaceholder} aria-describedby={`${id}hint`}
        onInput={(e) => onChange(e.currentTarget.value)}
      />
      <Presets text={text} onUse={onChange} />
    </section>
  )
}
