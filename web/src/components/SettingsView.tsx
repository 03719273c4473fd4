import { useEffect, useId, useState } from 'preact/hooks'
import { apiKey, setApiKey } from '../api/client'
import { serverVersion } from '../api/models'
import { dialog, showToast } from '../state/interface'
import { version } from '../state/metrics'
import { loadModels } from '../state/models'
import { changeSettings, FONT_SIZES, language, settings, t, type Language, type Theme } from '../state/settings'
import { exportAll, importJson } from '../state/transfer'
import { Choice, FileButton } from './controls'
import { Icon, Mark } from './Icon'
import { Page } from './Page'

const THEMES: Theme[] = ['system', 'light', 'dark']
const LANGUAGES: { value: Language; label: string }[] = [
  { value: 'en', label: 'English' },
  { value: 'ko', label: '한국어' },
]

function Look() {
  const words = t.value.settings
  const { theme, fontSize } = settings.value
  return (
    <section class="card">
      <h2>{words.look}</h2>
      <Choice legend={words.theme} value={theme} options={THEMES.map((value) => ({ value, label: words.themes[value] }))} onChange={(value) => changeSettings({ theme: value })} />
      <Choice legend={words.language} value={language.value} options={LANGUAGES} onChange={(value) => changeSettings({ language: value })} />
      <Choice legend={words.fontSize} value={fontSize} options={FONT_SIZES.map((value) => ({ value, label: words.fontSizes[value] }))} onChange={(value) => changeSettings({ fontSize: value })} />
    </section>
  )
}

async function importFiles(files: File[]): Promise<void> {
  for (const file of files) {
    try {
      showToast(t.value.settings.imported(importJson(await file.text())))
    } catch {
      showToast(t.value.settings.importFailed(file.name), { kind: 'error' })
    }
  }
}

function Data() {
  const words = t.value.settings
  return (
    <section class="card">
      <h2>{words.data}</h2>
      <p class="hint">{words.dataHint}</p>
      <div class="row">
        <button type="button" class="button" onClick={() => void exportAll()}>
          <Icon name="download" />
          {words.exportAll}
        </button>
        <FileButton icon="upload" label={words.import} accept=".json,application/json" multiple onFiles={(files) => void importFiles(files)} />
      </div>
    </section>
  )
}

function Access() {
  const [key, setKey] = useState(apiKey())
  const id = useId()
  const words = t.value.settings
  const save = (event: Event) => {
    event.preventDefault()
    setApiKey(key.trim())
    showToast(key.trim() ? words.keySaved : words.keyRemoved)
    void loadModels()
  }
  return (
    <section class="card">
      <h2>{words.access}</h2>
      <form class="form" onSubmit={save}>
        <label for={id}>{words.key}</label>
        <div class="row">
          <input id={id} class="input" type="password" autocomplete="off" value={key} aria-describedby={`${id}hint`} onInput={(e) => setKey(e.currentTarget.value)} />
          <button type="submit" class="button">{t.value.common.save}</button>
        </div>
        <p class="hint" id={`${id}hint`}>{words.keyHint}</p>
      </form>
    </section>
  )
}

function About() {
  const words = t.value.settings
  useEffect(() => {
    if (!version.value) serverVersion().then((v) => (version.value = v), () => undefined)
  }, [])
  return (
    <section class="card about">
      <Mark />
      <div>
        <h2>{words.about}</h2>
        <p>{words.aboutText}</p>
        {version.value && <p class="hint">{words.server(version.value)}</p>}
        <button type="button" class="button small" onClick={() => (dialog.value = 'shortcuts')}>
          <Icon name="keyboard" />
          {words.shortcuts}
        </button>
      </div>
    </section>
  )
}

export function SettingsView() {
  return (
    <Page title={t.value.settings.title}>
      <Look />
      <Data />
      <Access />
      <About />
    </Page>
  )
}
