import { duration, number, speed, tokens } from '../../i18n/format'
import { t } from '../../state/settings'
import type { AnswerStats } from '../../state/tree'

const NEARLY_FULL = 0.85

function ContextMeter({ used, of }: { used: number; of: number }) {
  const words = t.value.stats
  const share = Math.min(1, used / of)
  const title = words.contextTitle(number(used), number(of), Math.round(share * 100))
  return (
    <span class={`context${share > NEARLY_FULL ? ' full' : ''}`} role="meter" aria-label={title} title={title} aria-valuemin={0} aria-valuemax={of} aria-valuenow={Math.min(used, of)}>
      <svg viewBox="0 0 48 6" aria-hidden="true">
        <rect class="context-ground" width="48" height="6" rx="3" />
        <rect class="context-used" width={Math.max(3, 48 * share)} height="6" rx="3" />
      </svg>
      <span aria-hidden="true">{words.context(tokens(used), tokens(of))}</span>
    </span>
  )
}

/** Under an answer: how fast it came and how full the context is. */
export function Stats({ stats }: { stats: AnswerStats }) {
  const words = t.value.stats
  const used = stats.promptTokens + stats.completionTokens
  const firstTitle = stats.cachedTokens > 0 ? words.cached(stats.cachedTokens, stats.promptTokens) : words.firstTitle
  return (
    <div class="stats">
      {stats.tokensPerSecond > 0 && <span title={words.speedTitle}>{words.speed(speed(stats.tokensPerSecond))}</span>}
      {stats.firstTokenMs > 0 && <span title={firstTitle}>{words.first(duration(stats.firstTokenMs / 1000))}</span>}
      {stats.contextLength > 0 ? <ContextMeter used={used} of={stats.contextLength} /> : <span>{words.tokens(number(used))}</span>}
    </div>
  )
}
