// An answer: its reasoning, text and tool calls, how it ended, and what can be done with it.
import { continueAnswer, regenerate, runs, type Live } from '../../state/generation'
import { findModel, shortName } from '../../state/models'
import { t } from '../../state/settings'
import type { Conversation, Message } from '../../state/tree'
import { IconButton } from '../controls'
import { Icon } from '../Icon'
import { Branches } from './Branches'
import { ErrorNotice } from './ErrorNotice'
import { MarkdownView } from './MarkdownView'
import { Reasoning } from './Reasoning'
import { Stats } from './Stats'
import { ToolCalls } from './ToolCalls'
import { CopyButton } from './UserMessage'

interface Props {
  conversation: Conversation
  message: Message
  last: boolean
}

function Waiting({ model }: { model: string }) {
  const isLoaded = findModel(model)?.ondol?.state !== 'available'
  return (
    <p class="waiting">
      <span class="embers" aria-hidden="true"><i /><i /><i /></span>
      {isLoaded ? t.value.chat.waiting : t.value.chat.loadingModel}
    </p>
  )
}

function Ending({ conversation, message, last }: Props) {
  const words = t.value.chat
  const proceed = (
    <button type="button" class="button small" onClick={() => void continueAnswer(conversation.id, message.id)}>
      <Icon name="forward" />
      {words.continue}
    </button>
  )
  switch (message.status) {
    case 'stopped':
      return <p class="ending"><span>{words.stopped}</span>{last && proceed}</p>
    case 'length':
      return <p class="ending"><span>{words.cut}</span>{last && proceed}</p>
    case 'interrupted':
      return (
        <div class="notice notice-warning" role="alert">
          <Icon name="warning" />
          <span>{message.error && message.error.kind !== 'network' ? message.error.message : words.interrupted}</span>
          {last && proceed}
        </div>
      )
    case 'error':
      return <ErrorNotice error={message.error} onRetry={() => void regenerate(conversation.id, message.id)} />
    default:
      return message.content || message.reasoning || message.toolCalls?.length ? null : <p class="ending">{words.empty}</p>
  }
}

export function AssistantMessage({ conversation, message, last }: Props) {
  const words = t.value.chat
  const run = runs.value[conversation.id]
  const isStreaming = run?.message === message.id
  const live: Live | Message = isStreaming ? run.live.value : message
  const phase = isStreaming ? run.live.value.phase : null
  return (
    <article class="message assistant" aria-busy={isStreaming}>
      <h2 class="answer-by">
        <span class="sr-only">{words.answerBy(message.model ?? '')}</span>
        <span aria-hidden="true">{shortName(message.model ?? '')}</span>
      </h2>
      {live.reasoning && <Reasoning text={live.reasoning} durationMs={live.reasoningMs ?? 0} running={phase === 'reasoning'} />}
      {live.content && <MarkdownView text={live.content} streaming={isStreaming} />}
      {phase === 'waiting' && <Waiting model={message.model ?? ''} />}
      {live.toolCalls && live.toolCalls.length > 0 && (
        <ToolCalls conversation={conversation.id} message={message.id} calls={live.toolCalls} open={last && !isStreaming} />
      )}
      {!isStreaming && (
        <>
          <Ending conversation={conversation} message={message} last={last} />
          <footer class="answer-foot">
            <div class="message-actions" role="group" aria-label={words.messageActions}>
              <Branches conversation={conversation} id={message.id} disabled={run !== undefined} />
              {message.content && <CopyButton text={message.content} label={words.copyAnswer} />}
              <IconButton icon="again" label={words.regenerate} disabled={run !== undefined} onClick={() => void regenerate(conversation.id, message.id)} />
            </div>
            {message.stats && <Stats stats={message.stats} />}
          </footer>
        </>
      )}
    </article>
  )
}
