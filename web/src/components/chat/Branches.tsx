import { change } from '../../state/conversations'
import { t } from '../../state/settings'
import { chooseSibling, siblingsOf, type Conversation } from '../../state/tree'
import { IconButton } from '../controls'

/** ‹ 2/3 › where a message has siblings. */
export function Branches({ conversation, id, disabled }: { conversation: Conversation; id: string; disabled: boolean }) {
  const { index, ids } = siblingsOf(conversation, id)
  if (ids.length < 2) return null
  const words = t.value.chat
  const step = (by: number) => change(conversation.id, (c) => chooseSibling(c, id, by))
  return (
    <span class="branches" role="group" aria-label={words.version(index + 1, ids.length)}>
      <IconButton icon="left" label={words.previousVersion} disabled={disabled || index === 0} onClick={() => step(-1)} />
      <span aria-hidden="true">{index + 1}/{ids.length}</span>
      <IconButton icon="right" label={words.nextVersion} disabled={disabled || index === ids.length - 1} onClick={() => step(1)} />
    </span>
  )
}
