// Conversations, search over them, and the ways to the other pages.
import { useEffect, useRef } from 'preact/hooks'
import { asking } from '../../state/agents'
import { listed } from '../../state/conversations'
import type { Summary } from '../../state/database'
import { drawer, focusSearch } from '../../state/interface'
import { links, route } from '../../state/router'
import { hits, query, search } from '../../state/search'
import { settings, t } from '../../state/settings'
import { isPhone, newChat, toggleSidebar } from '../../state/shortcuts'
import { IconButton } from '../controls'
import { Icon, Mark, type IconName } from '../Icon'
import { ConversationItem } from './ConversationItem'
import { SearchHits } from './SearchHits'

const DAY = 86_400_000

/** Today, yesterday, the last seven days, and the rest. */
function groups(summaries: Summary[]): { label: string; items: Summary[] }[] {
  const { today, yesterday, week, older } = t.value.sidebar
  const midnight = new Date().setHours(0, 0, 0, 0)
  const limits = [midnight, midnight - DAY, midnight - 7 * DAY, -Infinity]
  return [today, yesterday, week, older]
    .map((label, i) => ({
      label,
      items: summaries.filter((s) => s.updated >= limits[i]! && (i === 0 || s.updated < limits[i - 1]!)),
    }))
    .filter((group) => group.items.length > 0)
}

function Search() {
  const input = useRef<HTMLInputElement>(null)
  const asked = focusSearch.value
  useEffect(() => {
    if (asked) input.current?.focus()
  }, [asked])
  const { search: label, clearSearch } = t.value.sidebar
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.isComposing) return
    event.preventDefault()
    if (query.value) search('')
    else input.current?.blur()
  }
  return (
    <div class="search" role="search">
      <Icon name="search" />
      <input
        ref={input} type="text" class="search-input" placeholder={label} aria-label={label} value={query.value}
        onInput={(e) => search(e.currentTarget.value)} onKeyDown={onKeyDown} enterkeyhint="search" autocomplete="off"
      />
      {query.value ? <IconButton icon="close" label={clearSearch} onClick={() => search('')} /> : <kbd aria-hidden="true">/</kbd>}
    </div>
  )
}

function List() {
  if (hits.value) return <SearchHits hits={hits.value} />
  if (listed.value.length === 0) return <p class="sidebar-empty">{t.value.sidebar.empty}</p>
  return (
    <>
      {groups(listed.value).map((group) => (
        <section key={group.label} aria-label={group.label}>
          <h2 class="sidebar-group">{group.label}</h2>
          <ul>{group.items.map((s) => <ConversationItem key={s.id} summary={s} />)}</ul>
        </section>
      ))}
    </>
  )
}

/** How many jobs of agents ask; more than this are not counted. */
const MOST_COUNTED = 99

function Waiting() {
  const n = asking.value.length
  if (n === 0) return null
  const text = n > MOST_COUNTED ? `${MOST_COUNTED}+` : String(n)
  return <span class="count" role="img" aria-label={t.value.sidebar.agentsAsk(text)}>{text}</span>
}

interface PageLinkProps {
  to: 'models' | 'documents' | 'teach' | 'agents' | 'status' | 'settings'
  icon: IconName
  label: string
}

function PageLink({ to, icon, label }: PageLinkProps) {
  return (
    <a class="page-link" href={links[to]} aria-current={route.value.view === to ? 'page' : undefined} onClick={() => (drawer.value = false)}>
      <Icon name={icon} />
      {label}
      {to === 'agents' && <Waiting />}
    </a>
  )
}

export function Sidebar() {
  const { label, close, newChat: newChatLabel, models, documents, teach, agents, status, settings: settingsLabel, pages } = t.value.sidebar
  const hidden = isPhone() ? !drawer.value : !settings.value.sidebar
  const root = useRef<HTMLElement>(null)
  const isDrawerOpen = isPhone() && drawer.value
  useEffect(() => {
    if (!isDrawerOpen) return
    root.current?.querySelector<HTMLElement>('.sidebar-head button')?.focus()
    return () => document.querySelector<HTMLElement>('.sidebar-button button')?.focus()
  }, [isDrawerOpen])
  return (
    <aside ref={root} class="sidebar" aria-label={label} inert={hidden} data-hidden={hidden}>
      <div class="sidebar-head">
        <a class="brand" href={links.chat(null)} onClick={() => (drawer.value = false)}>
          <Mark />
          <span>Ondol</span>
        </a>
        <IconButton icon="menu" label={close} onClick={toggleSidebar} />
      </div>
      <button type="button" class="button new-chat" onClick={newChat}>
        <Icon name="plus" />
        {newChatLabel}
      </button>
      <Search />
      <div class="sidebar-list"><List /></div>
      <nav class="sidebar-pages" aria-label={pages}>
        <PageLink to="models" icon="model" label={models} />
        <PageLink to="documents" icon="documents" label={documents} />
        <PageLink to="teach" icon="lesson" label={teach} />
        <PageLink to="agents" icon="agent" label={agents} />
        <PageLink to="status" icon="chart" label={status} />
        <PageLink to="settings" icon="gear" label={settingsLabel} />
      </nav>
    </aside>
  )
}
