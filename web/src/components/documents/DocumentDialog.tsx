// A document as it was read, at a passage, and its original. What a document says is only ever shown as text.
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import * as api from '../../api/documents'
import { number } from '../../i18n/format'
import { asApiError } from '../../state/documents'
import { showToast } from '../../state/interface'
import { charactersAt, locate, windowAround, type Span } from '../../state/passages'
import { t } from '../../state/settings'
import { Dialog } from '../controls'
import { Icon } from '../Icon'

export interface Place {
  /** Null: it is not in the collection any more. */
  file: string | null
  name: string
  /** The passage; empty: the document from its beginning. */
  quote: string
  page?: number | null
  line?: number | null
  headings?: string
  /** Where the passage lies in the text's UTF-8. */
  bytes?: Span
}

/** Characters that are shown at first, and with each wish for more. */
const SHOWN = 40_000

/** What browsers show themselves without running anything of it; all else is saved. */
const SHOWABLE: Record<string, string> = { pdf: 'application/pdf', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' }
const typeOf = (name: string) => SHOWABLE[name.split('.').at(-1)!.toLowerCase()]
const isPdf = (name: string) => typeOf(name) === 'application/pdf'
const KEEP_MS = 600_000

async function openOriginal(place: Place): Promise<void> {
  const type = typeOf(place.name)
  // The window must be asked for at once: browsers allow none that comes long after the click.
  const tab = type ? window.open('', '_blank') : null
  try {
    const url = URL.createObjectURL(new Blob([await api.originalOf(place.file!)], { type: type ?? 'application/octet-stream' }))
    window.setTimeout(() => URL.revokeObjectURL(url), KEEP_MS)
    if (tab) {
      tab.opener = null
      tab.location.replace(isPdf(place.name) && place.page ? `${url}#page=${place.page}` : url)
      return
    }
    const link = document.createElement('a')
    Object.assign(link, { href: url, download: place.name })
    link.click()
  } catch (error) {
    tab?.close()
    const problem = asApiError(error)
    showToast(problem.status === 404 ? t.value.documents.originalGone : problem.message, { kind: 'error' })
  }
}

function Original({ place }: { place: Place }) {
  const words = t.value.documents
  const label = !typeOf(place.name) ? words.saveOriginal : isPdf(place.name) && place.page ? words.originalAt(number(place.page)) : words.original
  return (
    <button type="button" class="button small" onClick={() => void openOriginal(place)}>
      <Icon name={typeOf(place.name) ? 'file' : 'download'} />
      {label}
    </button>
  )
}

interface Fetched {
  text: string
  span: Span | null
  /** The characters at which pages begin. */
  pages: { page: number; at: number }[]
  missing: string | null
}

function fetched({ text, pages, missing }: api.DocumentText, place: Place): Fetched {
  const starts = charactersAt(text, pages.map((p) => p.start))
  return { text, missing, span: locate(text, place.quote, place.bytes), pages: pages.map(({ page }, i) => ({ page, at: starts[i] ?? -1 })).filter((p) => p.at >= 0) }
}

/** The text after `from` up to `to`, with pages that begin in it; or at its end, so that they stand before a passage. */
function Stretch({ document: { text, pages }, from, to }: { document: Fetched; from: number; to: number }) {
  const nodes: ComponentChildren[] = []
  let done = Math.max(0, from)
  for (const { page, at } of pages.filter((p) => p.at > from && p.at <= to)) {
    nodes.push(text.slice(done, at), <span key={at} class="page-mark">{t.value.documents.page(number(page))}</span>)
    done = at
  }
  return <>{nodes}{text.slice(done, to)}</>
}

/** The text around the passage, and more of it on demand: a book at once would hold up the page. */
function Text({ document, name }: { document: Fetched; name: string }) {
  const { text, span } = document
  const [shown, setShown] = useState(() => windowAround(text, span, SHOWN))
  const box = useRef<HTMLDivElement>(null)
  const mark = useRef<HTMLElement>(null)
  const heightBefore = useRef<number | null>(null)
  const words = t.value.documents
  const toPassage = () => {
    const node = box.current
    if (!node || !mark.current) return
    const passage = mark.current.getBoundingClientRect()
    node.scrollTop += passage.top - node.getBoundingClientRect().top - Math.max(16, (node.clientHeight - passage.height) / 3)
  }
  useLayoutEffect(toPassage, [])
  useLayoutEffect(() => {
    // What is read stays where it is while text comes above it.
    if (heightBefore.current !== null) box.current!.scrollTop += box.current!.scrollHeight - heightBefore.current
    heightBefore.current = null
  }, [shown])
  const earlier = () => {
    heightBefore.current = box.current!.scrollHeight
    setShown({ ...shown, start: Math.max(0, shown.start - SHOWN) })
  }
  const first = shown.start === 0 ? -1 : shown.start
  return (
    <>
      <div ref={box} class="document-text" role="region" aria-label={words.text(name)} tabIndex={0}>
        {shown.start > 0 && <button type="button" class="button small" onClick={earlier}>{words.earlier}</button>}
        <div class="document-body">
          <Stretch document={document} from={first} to={span ? span.start : shown.end} />
          {span && <mark ref={mark} class="passage"><Stretch document={document} from={span.start} to={span.end} /></mark>}
          {span && <Stretch document={document} from={span.end} to={shown.end} />}
        </div>
        {shown.end < text.length && <button type="button" class="button small" onClick={() => setShown({ ...shown, end: Math.min(text.length, shown.end + SHOWN) })}>{words.later}</button>}
      </div>
      {span && <button type="button" class="button small to-passage" onClick={toPassage}>{words.toPassage}</button>}
    </>
  )
}

export function DocumentDialog({ collection, place, onClose }: { collection: string; place: Place; onClose: () => void }) {
  const [found, setFound] = useState<Fetched | null>(null)
  const [problem, setProblem] = useState('')
  const words = t.value.documents
  useEffect(() => {
    let isGone = false
    if (place.file === null) return setProblem(words.noText)
    api.textOf(collection, place.file).then(
      (document) => isGone || setFound(fetched(document, place)),
      (error: unknown) => isGone || setProblem(asApiError(error).status === 400 ? words.noText : asApiError(error).message),
    )
    return () => {
      isGone = true
    }
  }, [])
  const isLost = found !== null && found.span === null && place.quote !== ''
  return (
    <Dialog title={place.name} kind="wide" onClose={onClose}>
      <div class="document-line">
        <span class="facts">
          {place.page ? <span>{words.page(number(place.page))}</span> : null}
          {place.line ? <span>{words.line(number(place.line))}</span> : null}
          {place.headings && <span>{place.headings}</span>}
        </span>
        {place.file !== null && api.isOurs(collection) && <Original place={place} />}
      </div>
      {!found && !problem && <p class="hint" role="status">{words.loadingText}</p>}
      {(problem || isLost) && <p class="notice notice-warning" role="alert">{problem || words.notFound}</p>}
      {(problem || isLost) && place.quote && <blockquote class="quote"><mark class="passage">{place.quote}</mark></blockquote>}
      {found?.missing && <p class="hint">{words.missing} {found.missing}</p>}
      {found && <Text document={found} name={place.name} />}
    </Dialog>
  )
}
