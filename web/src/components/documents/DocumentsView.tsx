// Documents: collections of files, and questions to them.
import { useEffect, useId, useState } from 'preact/hooks'
import { isOurs, type Collection } from '../../api/documents'
import { bytes } from '../../i18n/format'
import { collections, collectionsError, createCollection, retryCollections, watchCollections } from '../../state/documents'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { Icon } from '../Icon'
import { Page } from '../Page'
import { CollectionActions, titleOf } from './CollectionActions'
import { CollectionView } from './CollectionView'

function CreateForm() {
  const [name, setName] = useState('')
  const [isBusy, setBusy] = useState(false)
  const id = useId()
  const words = t.value.documents
  const create = async (event: Event) => {
    event.preventDefault()
    if (name.trim() === '' || isBusy) return
    setBusy(true)
    const made = await createCollection(name.trim())
    setBusy(false)
    if (made) go(links.collection(made.id))
  }
  return (
    <section class="card">
      <h2>{words.new}</h2>
      <form class="form" onSubmit={(event) => void create(event)}>
        <label for={id}>{words.name}</label>
        <div class="row">
          <input id={id} class="input" value={name} maxLength={200} placeholder={words.namePlaceholder} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
          <button type="submit" class="button primary" disabled={name.trim() === '' || isBusy}>
            <Icon name="plus" />
            {words.create}
          </button>
        </div>
      </form>
    </section>
  )
}

/** How many files there are, and how they stand. */
export function CollectionFacts({ about }: { about: Collection }) {
  const words = t.value.documents
  const { in_progress: nReading, failed, total } = about.file_counts
  return (
    <span class="facts">
      <span>{words.nFiles(total)}</span>
      {nReading > 0 && <span>{words.nReading(nReading)}</span>}
      {failed > 0 && <span class="bad">{words.nFailed(failed)}</span>}
      {about.usage_bytes > 0 && <span>{words.ofText(bytes(about.usage_bytes))}</span>}
      {!isOurs(about.id) && <span>{words.readOnly}</span>}
      {about.status === 'expired' && <span>{words.expired}</span>}
    </span>
  )
}

function CollectionCard({ about }: { about: Collection }) {
  return (
    <li class="collection">
      <a class="collection-link" href={links.collection(about.id)}>
        <h3>{titleOf(about)}</h3>
        <CollectionFacts about={about} />
      </a>
      {isOurs(about.id) && <CollectionActions about={about} />}
    </li>
  )
}

function Collections() {
  useEffect(watchCollections, [])
  const words = t.value.documents
  const { value: all } = collections
  const { value: error } = collectionsError
  return (
    <Page title={words.title}>
      <p class="hint">{words.intro}</p>
      {error && <ErrorNotice error={error} otherwise={words.problem} onRetry={() => void retryCollections()} />}
      <CreateForm />
      <section>
        <h2>{words.collections}</h2>
        {all === null && !error && <p class="hint" role="status">{t.value.common.loading}</p>}
        {all?.length === 0 && <p class="hint">{words.none}</p>}
        <ul class="collections">{all?.map((about) => <CollectionCard key={about.id} about={about} />)}</ul>
      </section>
    </Page>
  )
}

export function DocumentsView({ id }: { id: string | null }) {
  return id === null ? <Collections /> : <CollectionView key={id} id={id} />
}
