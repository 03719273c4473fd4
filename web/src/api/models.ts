// Models of the server: list, fetch, delete; what is loaded; the server's version and metrics.
import { ApiError, ask } from './client'
import { readLines } from './lines'
import type { ModelInfo, PullProgress, RunningModel } from './types'

export async function listModels(): Promise<ModelInfo[]> {
  const response = await ask('/v1/models')
  return ((await response.json()) as { data: ModelInfo[] }).data
}

export async function deleteModel(model: string): Promise<void> {
  await ask('/api/delete', { method: 'DELETE', body: { model } })
}

/** Resolves when the model is there. */
export async function pullModel(model: string, onProgress: (p: PullProgress) => void, abort: AbortSignal): Promise<void> {
  const response = await ask('/api/pull', { method: 'POST', body: { model }, signal: abort })
  if (!response.body) throw new ApiError('network', 'The answer has no body.')
  for await (const line of readLines(response.body)) {
    if (line.trim() === '') continue
    const progress = JSON.parse(line) as PullProgress
    if (progress.error) throw new ApiError('stream', progress.error)
    if (progress.status === 'success') return
    onProgress(progress)
  }
  throw new ApiError('network', 'The stream ended before the download did.')
}

export async function runningModels(): Promise<RunningModel[]> {
  const response = await ask('/api/ps', { quiet: true })
  return ((await response.json()) as { models: RunningModel[] }).models ?? []
}

export async function serverVersion(): Promise<string> {
  const response = await ask('/api/version', { quiet: true })
  return ((await response.json()) as { version: string }).version
}

export async function metricsText(): Promise<string> {
  return (await ask('/metrics', { quiet: true })).text()
}
