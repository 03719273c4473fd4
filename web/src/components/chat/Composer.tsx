// Where questions are written. Enter sends, but not while an input method is composing a syllable.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { loadDraft, saveDraft } from '../../state/drafts'
import { runs, send, stop } from '../../state/generation'
import { dialog, focusComposer } from '../../state/interface'
import { chosenModel } from '../../state/models'
import { t } from '../../state/settings'
import { editLast, isPhone } from '../../state/shortcuts'
import type { Conversation } from '../../state/tree'
import { FileButton, IconButton } from '../controls'
import { Icon } from '../Icon'
import { addFiles, pending, refusal, removePending, takePending } from './pending'

const MAX_HEIGHT = 0.4

/** As tall as its text, up to a share of the window. */
export function useGrowing(text: string) {
  const area = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => {
    const node = area.current!
    node.style.height = 'auto'
    node.style.height = `${Math.min(node.scrollHeight + 2, window.innerHeight * MAX_HEIGHT)}px`
  }, [text])
  return area
}

/** Whether Enter ends the text: not while composing (229 is how some browsers say so), not with Shift. */
export const isSendKey = (event: KeyboardEvent) =>
  event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229

function Refused() {
  if (!refusal.value) return null
  const { kind, file, model } = refusal.value
  const words = t.value.composer
  const text = kind === 'image' ? words.noImages(model || t.value.models.title, file) : kind === 'binary' ? words.binary(file) : words.tooLarge(file)
  return (
    <div class="notice notice-warning" role="alert">
      <Icon name="warning" />
      <span>{text}</span>
      <IconButton icon="close" label={t.value.common.dismiss} onClick={() => (refusal.value = null)} />
    </div>
  )
}

function Chips() {
  if (pending.value.length === 0) return null
  return (
    <ul class="chips" aria-label={t.value.composer.attachedFiles}>
      {pending.value.map((file, i) => (
        <li key={`${file.name}${i}`} class="chip">
          <Icon name="file" />
          <span>{file.name}</span>
          <IconButton icon="close" label={t.value.composer.remove(file.name)} onClick={() => removePending(i)} />
        </li>
      ))}
    </ul>
  )
}

export function Composer({ conversation }: { conversation: Conversation | null }) {
  const id = conversation?.id ?? null
  const [text, setText] = useState(() => loadDraft(id))
  const area = useGrowing(text)
  const words = t.value.composer
  const isRunning = id !== null && runs.value[id] !== undefined
  const canSend = (text.trim() !== '' || pending.value.length > 0) && !isRunning
  const asked = focusComposer.value
  useEffect(() => {
    if (!isPhone() || asked) area.current?.focus()
  }, [asked])

  const write = (value: string) => {
    setText(value)
    saveDraft(id, value)
  }
  const submit = () => {
    if (!canSend) return
    if (!chosenModel.value) {
      dialog.value = 'model'
      return
    }
    const attachments = takePending()
    write('')
    void send(text.trim(), attachments)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (isSendKey(event)) {
      event.preventDefault()
      submit()
    } else if (event.key === 'ArrowUp' && !event.altKey && text === '' && editLast()) {
      event.preventDefault()
    }
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])]
    if (files.length === 0) return
    event.preventDefault()
    void addFiles(files)
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Refused />
      <div class="composer-box">
        <Chips />
        <textarea
          ref={area} class="composer-text" rows={1} value={text} aria-label={words.label} enterkeyhint="send"
          placeholder={isPhone() ? words.placeholderShort : words.placeholder} autocomplete="off"
          onInput={(event) => write(event.currentTarget.value)} onKeyDown={onKeyDown} onPaste={onPaste}
        />
        <div class="composer-row">
          <FileButton plain multiple icon="attach" label={words.attach} onFiles={(files) => void addFiles(files)} />
          <span class="composer-hint">{words.hint}</span>
          {isRunning ? (
            <IconButton class="send stop" icon="stop" label={words.stop} onClick={() => stop(id)} />
          ) : (
            <button type="submit" class="icon-button send" aria-label={words.send} title={words.send} disabled={!canSend}>
              <Icon name="send" />
            </button>
          )}
        </div>
      </div>
    </form>
  )
}
