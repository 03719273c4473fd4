import { useId, useState } from 'preact/hooks'
import type { keyQuestion } from '../api/client'
import { t } from '../state/settings'
import { Dialog } from './controls'

export function KeyDialog({ question }: { question: NonNullable<typeof keyQuestion.value> }) {
  const [key, setKey] = useState('')
  const id = useId()
  const { title, text, wrong, label, submit } = t.value.key
  const answer = (event: Event) => {
    event.preventDefault()
    if (key.trim()) question.answer(key.trim())
  }
  return (
    <Dialog title={title} onClose={() => question.answer(null)}>
      <form class="form" onSubmit={answer}>
        <p>{text}</p>
        {question.wrong && <p class="notice notice-error" role="alert">{wrong}</p>}
        <label for={id}>{label}</label>
        <input id={id} class="input" type="password" autocomplete="off" value={key} onInput={(e) => setKey(e.currentTarget.value)} autofocus />
        <div class="actions">
          <button type="button" class="button" onClick={() => question.answer(null)}>{t.value.common.cancel}</button>
          <button type="submit" class="button primary" disabled={!key.trim()}>{submit}</button>
        </div>
      </form>
    </Dialog>
  )
}
