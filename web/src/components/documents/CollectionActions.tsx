// What can be done with a collection as a whole: another name, and its end.
import { useId, useState } from 'preact/hooks'
import type { Collection } from '../../api/documents'
import { removeCollection, renameCollection } from '../../state/documents'
import { showToast } from '../../state/interface'
import { t } from '../../state/settings'
import { Dialog, Menu } from '../controls'

export const titleOf = (about: Collection) => about.name || t.value.documents.untitled

function Rename({ about, onClose }: { about: Collection; onClose: () => void }) {
  const [name, setName] = useState(about.name)
  const id = useId()
  const words = t.value.documents
  const save = (event: Event) => {
    event.preventDefault()
    if (name.trim() === '') return
    onClose()
    if (name.trim() !== about.name) void renameCollection(about.id, name.trim())
  }
  return (
    <Dialog title={words.renameTitle} onClose={onClose}>
      <form class="form" onSubmit={save}>
        <label for={id}>{words.name}</label>
        <input id={id} class="input" value={name} maxLength={200} autocomplete="off" autofocus onInput={(e) => setName(e.currentTarget.value)} />
        <div class="actions">
          <button type="button" class="button" onClick={onClose}>{t.value.common.cancel}</button>
          <button type="submit" class="button primary" disabled={name.trim() === ''}>{t.value.common.save}</button>
        </div>
      </form>
    </Dialog>
  )
}

function ConfirmDelete({ about, onClose, onDeleted }: { about: Collection; onClose: () => void; onDeleted: () => void }) {
  const words = t.value.documents
  const remove = async () => {
    onClose()
    if (!(await removeCollection(about.id))) return
    showToast(words.deleted(titleOf(about)))
    onDeleted()
  }
  return (
    <Dialog title={words.deleteTitle} onClose={onClose}>
      <p>{words.deleteText(titleOf(about), words.nFiles(about.file_counts.total))}</p>
      <div class="actions">
        <button type="button" class="button" onClick={onClose}>{t.value.common.cancel}</button>
        <button type="button" class="button danger" onClick={() => void remove()}>{t.value.common.delete}</button>
      </div>
    </Dialog>
  )
}

export function CollectionActions({ about, onDeleted = () => undefined }: { about: Collection; onDeleted?: () => void }) {
  const [open, setOpen] = useState<'rename' | 'delete' | null>(null)
  const words = t.value.documents
  const close = () => setOpen(null)
  return (
    <>
      <Menu
        label={words.actions(titleOf(about))}
        items={[
          { label: words.rename, icon: 'edit', run: () => setOpen('rename') },
          { label: words.delete, icon: 'trash', danger: true, run: () => setOpen('delete') },
        ]}
      />
      {open === 'rename' && <Rename about={about} onClose={close} />}
      {open === 'delete' && <ConfirmDelete about={about} onClose={close} onDeleted={onDeleted} />}
    </>
  )
}
