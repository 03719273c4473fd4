// One line about what went wrong.
import type { ApiError } from '../api/client'
import { t } from '../state/settings'
import { Icon } from './Icon'

export function ErrorLine({ error }: { error: ApiError | string }) {
  const text = typeof error === 'string' ? error : error.kind === 'network' ? t.value.errors.network : error.message
  return (
    <p class="notice notice-error" role="alert">
      <Icon name="warning" />
      <span>{text}</span>
    </p>
  )
}
