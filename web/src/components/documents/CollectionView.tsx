// One collection: questions to it, and its files. Files may be dropped anywhere on it.
import { useEffect, useState } from 'preact/hooks'
import { isOurs } from '../../api/documents'
import { opened, openedError, retryOpened, sendFiles, watchCollection } from '../../state/documents'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { ErrorNotice } from '../chat/ErrorNotice'
import { filesIn, useDrop } from '../drop'
import { Page } from '../Page'
import { Asking } from './Asking'
import { CollectionActions, titleOf } from './CollectionActions'
import { DocumentDialog, type Place } from './DocumentDialog'
import { CollectionFacts } from './DocumentsView'
import { Files } from './Files'

export function CollectionView({ id }: { id: string }) {
  const [place, setPlace] = useState<Place | null>(null)
  useEffect(() => watchCollection(id), [id])
  const send = async (transfer: DataTransfer) => sendFiles(id, await filesIn(transfer))
  const { dropping, ...drop } = useDrop((transfer) => void send(transfer))
  const words = t.value.documents
  const now = opened.value?.about.id === id ? opened.value : null
  const { value: error } = openedError
  const takesFiles = now !== null && isOurs(id)
  return (
    <div class="collection-view" {...(takesFiles ? drop : {})}>
      <Page
        title={now ? titleOf(now.about) : words.title}
        back={{ to: links.documents, label: words.all }}
        side={takesFiles && <CollectionActions about={now.about} onDeleted={() => go(links.documents)} />}
      >
        {error && (error.status === 404 ? <p class="notice notice-warning" role="alert">{words.gone}</p> : <ErrorNotice error={error} otherwise={words.problem} onRetry={() => void retryOpened(id)} />)}
        {!now && !error && <p class="hint" role="status">{t.value.common.loading}</p>}
        {now && (
          <>
            <CollectionFacts about={now.about} />
            {now.about.status === 'expired' && <p class="notice notice-warning">{words.expiredHint}</p>}
            <Asking about={now.about} onOpen={setPlace} />
            <Files now={now} onOpen={setPlace} />
          </>
        )}
      </Page>
      {dropping && takesFiles && <div class="drop-overlay">{words.dropAll}</div>}
      {place && <DocumentDialog collection={id} place={place} onClose={() => setPlace(null)} />}
    </div>
  )
}
