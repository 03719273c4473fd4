// A collection's files: how they stand, those on their way, and where to put more.
import { useState } from 'preact/hooks'
import { isOurs, type CollectionFile } from '../../api/documents'
import { bytes, number } from '../../i18n/format'
import { cancelSending, kept, nameOf, removeFile, sendAgain, sendFiles, sendings, showMoreFiles, type Opened, type Sending } from '../../state/documents'
import { t } from '../../state/settings'
import { Dialog, FileButton, IconButton } from '../controls'
import type { Place } from './DocumentDialog'

function OnTheWay({ sending }: { sending: Sending }) {
  const words = t.value.documents
  const { key, file, state, sent, error } = sending
  return (
    <li class="file">
      <div class="file-text">
        <strong>{file.name}</strong>
        {state === 'waiting' && <span class="facts">{words.waiting}</span>}
        {state === 'sending' && (
          <>
            <progress aria-label={words.sendingLabel(file.name)} max={Math.max(1, file.size)} value={sent} />
            <span class="facts">{words.sent(bytes(sent), bytes(file.size))}</span>
          </>
        )}
        {state === 'failed' && <span class="bad" role="alert">{error}</span>}
      </div>
      {state === 'failed' && error !== words.tooLarge && <IconButton icon="again" label={words.retrySending(file.name)} onClick={() => sendAgain(key)} />}
      <IconButton icon="close" label={state === 'failed' ? words.dismissSending(file.name) : words.cancelSending(file.name)} onClick={() => cancelSending(key)} />
    </li>
  )
}

function Row({ file, onOpen, onRemove }: { file: CollectionFile; onOpen: () => void; onRemove: (() => void) | null }) {
  const words = t.value.documents
  const name = nameOf(file)
  const size = kept.value[file.id]?.bytes
  const { path } = file.attributes ?? {}
  return (
    <li class="file">
      <div class="file-text">
        {file.status === 'completed' ? (
          <button type="button" class="link-button file-name" aria-label={words.show(name)} onClick={onOpen}>{name}</button>
        ) : (
          <strong>{name}</strong>
        )}
        <span class="file-line">
          <span class={`badge badge-${file.status}`}>{words.states[file.status]}</span>
          <span class="facts">
            {size !== undefined && <span>{bytes(size)}</span>}
            {path !== undefined && <span>{String(path)}</span>}
          </span>
        </span>
        {file.last_error && <span class="bad">{file.last_error.message}</span>}
      </div>
      {onRemove && <IconButton icon="trash" label={words.remove(name)} onClick={onRemove} />}
    </li>
  )
}

function ConfirmRemove({ collection, file, onClose }: { collection: string; file: CollectionFile; onClose: () => void }) {
  const words = t.value.documents
  const remove = () => {
    onClose()
    void removeFile(collection, file)
  }
  return (
    <Dialog title={words.removeTitle} onClose={onClose}>
      <p>{words.removeText(nameOf(file))}</p>
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>{t.value.common.cancel}</button>
        <button type="button" class="button danger" onClick={remove}>{words.removeIt}</button>
      </div>
    </Dialog>
  )
}

function Progress({ now }: { now: Opened }) {
  const { in_progress: nReading, total } = now.about.file_counts
  if (nReading === 0) return null
  const text = t.value.documents.reading(number(total - nReading), number(total))
  return (
    <div class="field">
      <progress aria-label={text} max={total} value={total - nReading} />
      <span class="hint">{text}</span>
    </div>
  )
}

export function Files({ now, onOpen }: { now: Opened; onOpen: (place: Place) => void }) {
  const [removing, setRemoving] = useState<CollectionFile | null>(null)
  const words = t.value.documents
  const { id } = now.about
  const isMine = isOurs(id)
  const mine = sendings.value.filter((s) => s.collection === id)
  return (
    <section class="card">
      <h2>{words.files}</h2>
      {isMine && (
        <div class="drop">
          <p>{words.drop}</p>
          <FileButton icon="upload" multiple label={words.choose} onFiles={(files) => sendFiles(id, files)} />
          <p class="hint">{words.formats}</p>
        </div>
      )}
      {mine.length > 0 && <ul class="files" aria-label={words.sending}>{mine.map((sending) => <OnTheWay key={sending.key} sending={sending} />)}</ul>}
      <Progress now={now} />
      {now.files.length === 0 && mine.length === 0 && <p class="hint">{words.noFiles}</p>}
      {now.files.length > 0 && (
        <ul class="files" aria-label={words.files}>
          {now.files.map((file) => (
            <Row key={file.id} file={file} onOpen={() => onOpen({ file: file.id, name: nameOf(file), quote: '' })} onRemove={isMine ? () => setRemoving(file) : null} />
          ))}
        </ul>
      )}
      {now.hasMore && <button type="button" class="button more" onClick={() => void showMoreFiles()}>{words.more}</button>}
      {removing && <ConfirmRemove collection={id} file={removing} onClose={() => setRemoving(null)} />}
    </section>
  )
}
