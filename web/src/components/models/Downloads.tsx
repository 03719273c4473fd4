import { bytes, duration, number } from '../../i18n/format'
import { cancelDownload, download, downloads, forgetDownload, type Download } from '../../state/downloads'
import { chooseModel, fetchedModel } from '../../state/models'
import { go, links } from '../../state/router'
import { t } from '../../state/settings'
import { IconButton } from '../controls'

function Running({ item }: { item: Download }) {
  const words = t.value.models
  const share = item.total > 0 ? item.completed / item.total : 0
  return (
    <>
      <progress aria-label={words.progress(item.model)} max={1} value={item.total > 0 ? share : undefined} />
      <div class="download-line">
        {item.total > 0 ? <span>{bytes(item.completed)} / {bytes(item.total)} ({number(share * 100)}%)</span> : <span>{item.status || words.preparing}</span>}
        {item.rate > 0 && <span>{words.rate(bytes(item.rate))}</span>}
        {item.secondsLeft !== null && <span>{words.left(duration(Math.max(1, Math.ceil(item.secondsLeft))))}</span>}
      </div>
    </>
  )
}

function Ended({ item }: { item: Download }) {
  const words = t.value.models
  const use = () => {
    go(links.chat(null))
    chooseModel(fetchedModel(item.model)?.id ?? item.model)
  }
  if (item.state === 'done') {
    return (
      <div class="download-line">
        <span>{words.ready}</span>
        <button type="button" class="button small" onClick={use}>{words.use}</button>
      </div>
    )
  }
  return (
    <div class="download-line" role={item.state === 'failed' ? 'alert' : undefined}>
      <span class={item.state === 'failed' ? 'bad' : ''}>
        {item.state === 'cancelled' ? words.cancelled : `${words.failed} ${item.error?.kind === 'network' ? t.value.errors.networkHint : (item.error?.message ?? '')}`}
      </span>
      <button type="button" class="button small" onClick={() => void download(item.model)}>{t.value.common.retry}</button>
    </div>
  )
}

export function Downloads() {
  if (downloads.value.length === 0) return null
  return (
    <ul class="downloads">
      {downloads.value.map((item) => (
        <li key={item.model}>
          <div class="download-head">
            <strong>{item.model}</strong>
            {item.state === 'running' ? (
              <IconButton icon="close" label={t.value.models.cancel(item.model)} onClick={() => cancelDownload(item.model)} />
            ) : (
              <IconButton icon="close" label={t.value.common.dismiss} onClick={() => forgetDownload(item.model)} />
            )}
          </div>
          {item.state === 'running' ? <Running item={item} /> : <Ended item={item} />}
        </li>
      ))}
    </ul>
  )
}
