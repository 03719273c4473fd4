import { send } from '../../state/generation'
import { chosenModel, loadModels, models, modelsError, modelsState } from '../../state/models'
import { dialog } from '../../state/interface'
import { links } from '../../state/router'
import { t } from '../../state/settings'
import { Mark } from '../Icon'
import { ErrorNotice } from './ErrorNotice'

function Prompts() {
  const ask = (text: string) => {
    if (chosenModel.value) void send(text, [])
    else dialog.value = 'model'
  }
  return (
    <ul class="prompts">
      {t.value.welcome.prompts.map(({ title, text }) => (
        <li key={title}>
          <button type="button" onClick={() => ask(text)}>
            <strong>{title}</strong>
            <span>{text}</span>
          </button>
        </li>
      ))}
    </ul>
  )
}

/** What stands where no conversation is. `gone`: one was asked for that does not exist. */
export function Welcome({ gone }: { gone: boolean }) {
  const words = t.value.welcome
  const { value: error } = modelsError
  const noModels = modelsState.value === 'ready' && models.value.length === 0
  return (
    <div class="welcome">
      <Mark />
      <h2>{gone ? words.gone : words.title}</h2>
      <p class="welcome-text">{words.text}</p>
      {error && <ErrorNotice error={error} onRetry={() => void loadModels()} />}
      {noModels && (
        <div class="notice">
          <div class="notice-text">
            <strong>{words.noModel}</strong>
            <span>{words.noModelHint}</span>
          </div>
          <a class="button primary" href={links.models}>{words.getModel}</a>
        </div>
      )}
      {!error && !noModels && !gone && <Prompts />}
    </div>
  )
}
