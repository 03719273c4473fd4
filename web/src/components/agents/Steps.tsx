// What happened in a session, step by step. Words of strangers are marked, and nothing of them is ever HTML.
import { useState } from 'preact/hooks'
import type { Step } from '../../api/agents'
import { duration, number } from '../../i18n/format'
import { beginningOf, type Call, type Part } from '../../state/agent-steps'
import { t } from '../../state/settings'
import { MarkdownView } from '../chat/MarkdownView'
import { Reasoning } from '../chat/Reasoning'
import { Icon } from '../Icon'
import { Preview } from './Preview'

/** Of a result that is folded. */
const FOLDED = { lines: 6, characters: 500 }

/** What came of a tool, or `name`d otherwise: what came with a goal. */
function Result({ step, label, name }: { step: Step; label: string; name?: string }) {
  const [isOpen, setOpen] = useState(false)
  const words = t.value.agents.job
  const text = step.text ?? ''
  const { text: beginning, isCut } = beginningOf(text, FOLDED.lines, FOLDED.characters)
  return (
    <div class={`step-result${step.is_error ? ' failed' : ''}${step.is_untrusted ? ' untrusted' : ''}`}>
      <p class="step-marks">
        <span class={step.is_error ? 'bad' : ''}>{step.is_error ? words.failedResult : name ?? words.result}</span>
        {step.is_untrusted && <span class="step-mark" title={words.untrustedHint}><Icon name="warning" />{words.untrusted}</span>}
        {step.has_secrets && <span class="step-mark" title={words.secretsHint}><Icon name="warning" />{words.secrets}</span>}
      </p>
      <pre tabIndex={0} role="group" aria-label={label}>{isOpen || !isCut ? text : `${beginning} …`}</pre>
      {isOpen && step.is_untrusted && <p class="hint">{words.untrustedHint}</p>}
      {step.kept !== undefined && <p class="hint">{words.shortened}</p>}
      {isCut && <button type="button" class="button small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? words.showLess : words.showAll}</button>}
    </div>
  )
}

function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2) ?? ''
}

function CallView({ call, isRunning, isAsked }: { call: Call; isRunning: boolean; isAsked: boolean }) {
  const words = t.value.agents.job
  const { ruling, result, name } = call
  const verdict = ruling?.verdict
  const state = verdict ? words.verdicts[verdict] ?? verdict : isAsked ? t.value.agents.states.asking : result ? '' : words.pending
  const reason = verdict === 'refused' && ruling?.reason ? t.value.agents.ask.reasons[ruling.reason] ?? ruling.reason : ''
  return (
    <li class={`step-call${verdict === 'refused' ? ' refused' : ''}`}>
      <p class="step-call-head">
        <Icon name="tool" />
        <code class="tool-name">{name}</code>
        {state && <span class={`verdict verdict-${verdict ?? 'pending'}`}>{state}</span>}
        {verdict && verdict !== 'refused' && !result && isRunning && <span class="step-running"><span class="ember" aria-hidden="true" />{words.running}</span>}
      </p>
      {!isAsked && <Preview text={ruling?.preview ?? pretty(call.arguments)} tool={name} />}
      {reason && <p class="hint">{reason}</p>}
      {result && <Result step={result} label={words.resultOf(name)} />}
    </li>
  )
}

function Answer({ part, isLast, isRunning, isAsking }: { part: Part & { kind: 'answer' }; isLast: boolean; isRunning: boolean; isAsking: boolean }) {
  const words = t.value.agents.job
  const { step, calls } = part
  // Calls are done one after the other: the first without a ruling is the one that is asked about.
  const asked = isAsking && isLast ? calls.find((call) => !call.ruling && !call.result) : undefined
  return (
    <>
      <h3 class="answer-by">{words.answer}</h3>
      {step.reasoning && <Reasoning text={step.reasoning} durationMs={0} running={false} />}
      {step.content?.trim() && <MarkdownView text={step.content} />}
      {step.was_cut && <p class="hint">{words.cut}</p>}
      {calls.length > 0 && (
        <ul class="step-calls">
          {calls.map((call) => <CallView key={call.id} call={call} isRunning={isRunning && isLast} isAsked={call === asked} />)}
        </ul>
      )}
    </>
  )
}

function End({ step, isRepeated }: { step: Step; isRepeated: boolean }) {
  const words = t.value.agents
  const { reason = '', text = '', turns, tokens, seconds } = step
  return (
    <>
      <p class={`step-end-line${reason === 'done' ? '' : ' bad'}`}>
        <span>{words.job.ends[reason] ?? reason}</span>
        <span class="facts">
          {turns ? <span>{words.steps(turns)}</span> : null}
          {tokens ? <span>{words.tokens(number(tokens))}</span> : null}
          {seconds ? <span>{duration(seconds)}</span> : null}
        </span>
      </p>
      {text && !isRepeated && <p class="step-end-text">{text}</p>}
    </>
  )
}

function Line({ part }: { part: Part }) {
  const words = t.value.agents.job
  const { step } = part
  switch (part.kind) {
    case 'goal':
      return (
        <>
          <div class="message user">
            <h3 class="sr-only">{words.goal}</h3>
            <div class="bubble user-text">{step.text}</div>
          </div>
          {step.given && <Result step={{ ...step, text: step.given, is_untrusted: true }} label={words.given} name={words.given} />}
        </>
      )
    case 'offer':
      return <p class="step-line">{words.offer((step.tools ?? []).join(', '))}</p>
    case 'note':
      return <p class="step-line"><strong>{words.note}</strong> {step.text}</p>
    case 'compaction':
      return <p class="step-line">{words.compaction}</p>
    default:
      if (step.type === 'result') return <Result step={step} label={words.resultOf(step.name ?? '')} />
      return <p class="step-line"><strong>{words.unknownStep(step.type)}</strong> {step.text ?? step.preview ?? ''}</p>
  }
}

export function Steps({ parts, isRunning, isAsking }: { parts: Part[]; isRunning: boolean; isAsking: boolean }) {
  const lastAnswer = parts.findLastIndex((part) => part.kind === 'answer')
  return (
    <ol class="steps">
      {parts.map((part, i) => {
        const before = parts[i - 1]
        const isRepeated = part.kind === 'end' && before?.kind === 'answer' && before.step.content?.trim() === part.step.text?.trim()
        return (
          <li key={part.step.index} class={`step step-${part.kind}`}>
            {part.kind === 'answer' ? (
              <Answer part={part} isLast={i === lastAnswer} isRunning={isRunning} isAsking={isAsking} />
            ) : part.kind === 'end' ? (
              <End step={part.step} isRepeated={isRepeated} />
            ) : (
              <Line part={part} />
            )}
          </li>
        )
      })}
    </ol>
  )
}
