import { useEffect, useRef, useState } from 'preact/hooks'
import { current, openConversation, peek, removeWithUndo, rename } from '../../state/conversations'
import type { Summary } from '../../state/database'
import { runs } from '../../state/generation'
import { drawer } from '../../state/interface'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { fileName, save, toJson, toMarkdown } from '../../state/transfer'
import { Menu } from '../controls'

async function exportAs(id: string, kind: 'json' | 'md'): Promise<void> {
  await openConversation(id)
  const conversation = peek(id)
  if (!conversation) return
  if (kind === 'json') save(fileName(conversation.title, 'json'), 'application/json', toJson([conversation]))
  else save(fileName(conversation.title, 'md'), 'text/markdown', toMarkdown(conversation))
}

function Rename({ summary, onDone }: { summary: Summary; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null)
  const [title, setTitle] = useState(summary.title)
  const done = useRef(false)
  useEffect(() => input.current?.select(), [])
  const finish = (keep: boolean) => {
    if (done.current) return
    done.current = true
    if (keep) void rename(summary.id, title)
    onDone()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return
    event.preventDefault()
    finish(event.key === 'Enter')
  }
  return (
    <input
      ref={input} class="input rename" value={title} aria-label={t.value.sidebar.renameLabel}
      onInput={(e) => setTitle(e.currentTarget.value)} onKeyDown={onKeyDown} onBlur={() => finish(true)}
    />
  )
}

export function ConversationItem({ summary }: { summary: Summary }) {
  const [renaming, setRenaming] = useState(false)
  const words = t.value.sidebar
  const title = summary.title || words.untitled
  const isCurrent = current.value?.id === summary.id
  if (renaming) return <li class="conversation"><Rename summary={summary} onDone={() => setRenaming(false)} /></li>
  return (
    <li class={`conversation${isCurrent ? ' current' : ''}`}>
      <a href={links.chat(summary.id)} aria-current={isCurrent ? 'page' : undefined} onClick={() => (drawer.value = false)} title={title}>
        {runs.value[summary.id] && <span class="ember" role="img" aria-label={words.answering} />}
        {title}
      </a>
      <Menu
        label={words.actions(title)}
        items={[
          { label: words.rename, icon: 'edit', run: () => setRenaming(true) },
          { label: words.exportMarkdown, icon: 'download', run: () => void exportAs(summary.id, 'md') },
          { label: words.exportJson, icon: 'download', run: () => void exportAs(summary.id, 'json') },
          { label: words.delete, icon: 'trash', danger: true, run: () => void removeWithUndo(summary.id) },
        ]}
      />
    </li>
  )
}
