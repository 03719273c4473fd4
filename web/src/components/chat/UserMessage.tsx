import { useEffect, useRef, useState } from 'preact/hooks'
import { edit, runs } from '../../state/generation'
import { editing, focusComposer } from '../../state/interface'
import { t } from '../../state/settings'
import type { Attachment, Conversation, Message } from '../../state/tree'
import { IconButton } from '../controls'
import { Icon } from '../Icon'
import { Branches } from './Branches'
import { isSendKey, useGrowing } from './Composer'
import { copyText } from './MarkdownView'

const LONG = 1600

function Attached({ file }: { file: Attachment }) {
  return (
    <details class="attached">
      <summary>
        <Icon name="file" />
        {t.value.chat.attached(file.name, file.text.split('\n').length)}
      </summary>
      <pre tabIndex={0} role="group" aria-label={file.name}>{file.text}</pre>
    </details>
  )
}

function Editor({ conversation, message }: { conversation: string; message: Message }) {
  const [text, setText] = useState(message.content)
  const area = useGrowing(text)
  useEffect(() => {
    area.current!.focus()
    area.current!.setSelectionRange(text.length, text.length)
  }, [])
  const close = () => {
    editing.value = null
    focusComposer.value++
  }
  const submit = () => {
    if (text.trim() === '') return
    close()
    void edit(conversation, message.id, text.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.isComposing) close()
    else if (isSendKey(event)) submit()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div class="editor">
      <textarea ref={area} rows={1} value={text} aria-label={t.value.chat.editLabel} onInput={(e) => setText(e.currentTarget.value)} onKeyDown={onKeyDown} />
      <div class="actions">
        <button type="button" class="button" onClick={close}>{t.value.common.cancel}</button>
        <button type="button" class="button primary" disabled={text.trim() === ''} onClick={submit}>{t.value.chat.sendEdit}</button>
      </div>
    </div>
  )
}

function LongText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false)
  if (text.length <= LONG) return <div class="user-text">{text}</div>
  return (
    <>
      <div class="user-text">{whole ? text : `${text.slice(0, LONG)}…`}</div>
      <button type="button" class="link-button" onClick={() => setWhole(!whole)}>{whole ? t.value.chat.showLess : t.value.chat.showMore}</button>
    </>
  )
}

/** Says for a moment that it has copied. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false)
  const timer = useRef(0)
  const copy = async () => {
    if (!(await copyText(text))) return
    setCopied(true)
    window.clearTimeout(timer.current)
    timer.current = window.setTimeout(() => setCopied(false), 1500)
  }
  return <IconButton icon={copied ? 'check' : 'copy'} label={copied ? t.value.chat.copied : label} onClick={() => void copy()} />
}

export function UserMessage({ conversation, message }: { conversation: Conversation; message: Message }) {
  const words = t.value.chat
  const isRunning = runs.value[conversation.id] !== undefined
  return (
    <article class="message user">
      <h2 class="sr-only">{words.you}</h2>
      {message.attachments?.map((file, i) => <Attached key={i} file={file} />)}
      {editing.value === message.id ? (
        <Editor conversation={conversation.id} message={message} />
      ) : (
        <>
          {message.content && <div class="bubble"><LongText text={message.content} /></div>}
          <div class="message-actions" role="group" aria-label={words.messageActions}>
            <Branches conversation={conversation} id={message.id} disabled={isRunning} />
            <CopyButton text={message.content} label={words.copyAnswer} />
            <IconButton icon="edit" label={words.edit} disabled={isRunning} onClick={() => (editing.value = message.id)} />
          </div>
        </>
      )}
    </article>
  )
}
