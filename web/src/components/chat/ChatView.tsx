// A conversation: its head, its messages and the composer. The list follows the end while one reads there.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { current } from '../../state/conversations'
import { runs } from '../../state/generation'
import { route } from '../../state/router'
import { t } from '../../state/settings'
import { pathOf, type Conversation } from '../../state/tree'
import { IconButton } from '../controls'
import { useDrop } from '../drop'
import { AssistantMessage } from './AssistantMessage'
import { ChatHeader } from './ChatHeader'
import { Composer } from './Composer'
import { addFiles } from './pending'
import { UserMessage } from './UserMessage'
import { Welcome } from './Welcome'

const NEAR_END = 90

function Messages({ conversation }: { conversation: Conversation }) {
  const path = pathOf(conversation)
  return (
    <ol class="messages" aria-label={t.value.chat.label}>
      {path.map((message, i) => (
        <li key={message.id}>
          {message.role === 'user' ? (
            <UserMessage conversation={conversation} message={message} />
          ) : (
            <AssistantMessage conversation={conversation} message={message} last={i === path.length - 1} />
          )}
        </li>
      ))}
    </ol>
  )
}

/** Keeps the end in sight while it grows, unless one has scrolled up. */
function useFollow(conversation: Conversation | null | undefined) {
  const scroller = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const [away, setAway] = useState(false)
  const run = conversation ? runs.value[conversation.id] : undefined
  const toEnd = () => {
    follows.current = true
    const node = scroller.current
    if (node) node.scrollTop = node.scrollHeight
  }
  useLayoutEffect(() => {
    toEnd()
    setAway(false)
  }, [conversation?.id, run?.message])
  useEffect(() => {
    const node = scroller.current
    const content = node?.firstElementChild
    if (!node || !content) return
    const grown = new ResizeObserver(() => follows.current && toEnd())
    grown.observe(content)
    return () => grown.disconnect()
  }, [conversation?.id])
  const onScroll = () => {
    const node = scroller.current!
    follows.current = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_END
    setAway(!follows.current)
  }
  return { scroller, onScroll, away, toEnd }
}

export function ChatView() {
  const conversation = current.value
  const { scroller, onScroll, away, toEnd } = useFollow(conversation)
  const { dropping, ...drop } = useDrop((transfer) => void addFiles([...transfer.files]))
  const id = route.value.view === 'chat' ? route.value.id : null
  const isRunning = conversation != null && runs.value[conversation.id] !== undefined
  return (
    <div class={`chat${isRunning ? ' warm' : ''}`} {...drop}>
      <ChatHeader conversation={conversation ?? null} />
      <div class="chat-scroll" ref={scroller} onScroll={onScroll}>
        <div class="chat-content">
          {conversation && <Messages conversation={conversation} />}
          {conversation === null && <Welcome gone={id !== null} />}
        </div>
      </div>
      <div class="chat-foot">
        {away && <IconButton class="to-bottom" icon="toBottom" label={t.value.chat.toBottom} onClick={toEnd} />}
        <Composer key={id ?? 'new'} conversation={conversation ?? null} />
      </div>
      {dropping && <div class="drop-overlay">{t.value.composer.drop}</div>}
    </div>
  )
}
