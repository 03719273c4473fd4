// What went wrong, and what to do next.
import { dialog } from '../../state/interface'
import { t } from '../../state/settings'
import { newChat } from '../../state/shortcuts'
import type { AnswerError } from '../../state/tree'
import { Icon } from '../Icon'

interface Explanation {
  title: string
  hint: string
  action?: 'chooseModel' | 'newChat'
}

export function explain(error: AnswerError | undefined, otherwise?: string): Explanation {
  const words = t.value.errors
  const code = error?.code ?? ''
  if (error?.kind === 'network') return { title: words.network, hint: words.networkHint }
  if (code === 'context_length_exceeded') return { title: words.contextTitle, hint: words.contextHint, action: 'newChat' }
  if (code === 'model_not_found' || (error?.status === 404 && otherwise === undefined)) return { title: words.modelTitle, hint: words.modelHint, action: 'chooseModel' }
  if (/memory/.test(code)) return { title: words.memoryTitle, hint: words.memoryHint, action: 'chooseModel' }
  if (error?.status === 401 || error?.status === 403) return { title: words.accessTitle, hint: words.accessHint }
  if (error?.status === 429 || error?.status === 503) return { title: words.busyTitle, hint: words.busyHint }
  return { title: otherwise ?? words.title, hint: words.serverHint }
}

/** `otherwise`: the title where nothing more is known. */
export function ErrorNotice({ error, onRetry, otherwise }: { error: AnswerError | undefined; onRetry: () => void; otherwise?: string }) {
  const { title, hint, action } = explain(error, otherwise)
  const words = t.value.errors
  return (
    <div class="notice notice-error" role="alert">
      <Icon name="warning" />
      <div class="notice-text">
        <strong>{title}</strong>
        {error && error.kind !== 'network' && <span class="notice-detail">{error.message}</span>}
        <span>{hint}</span>
        <div class="actions">
          <button type="button" class="button small" onClick={onRetry}>{t.value.common.retry}</button>
          {action === 'chooseModel' && <button type="button" class="button small" onClick={() => (dialog.value = 'model')}>{words.chooseModel}</button>}
          {action === 'newChat' && <button type="button" class="button small" onClick={newChat}>{words.newChat}</button>}
        </div>
      </div>
    </div>
  )
}
