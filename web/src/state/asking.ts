// Questions to collections of documents: the turns of each conversation with one, and plain searches.
import { signal } from '@preact/signals'
import { ApiError, isAbort } from '../api/client'
import * as api from '../api/documents'
import { asApiError } from './documents'
import { announce } from './interface'
import { persisted } from './persisted'
import { t } from './settings'

export interface Turn {
  id: number
  question: string
  model: string
  state: 'asking' | 'done' | 'stopped' | 'failed'
  /** So far. */
  claims: api.Claim[]
  answer: api.DocumentAnswer | null
  error: ApiError | null
}

export interface Searched {
  query: string
  state: 'searching' | 'done' | 'failed'
  found: api.Found[]
  error: ApiError | null
}

export type Mode = 'ask' | 'search'

/** By collection. */
export const threads = signal<Record<string, Turn[]>>({})
export const searches = signal<Record<string, Searched>>({})
export const mode = signal<Mode>('ask')

/** Which model answers; empty: none, sentences are quoted. `null`: nobody has chosen. */
export const answerer = persisted<string | null>('ondol.answerer', null)

/** As many turns before a question are sent with it. */
const MOST_TURNS = 20
const FOUND = 20
const aborts = new Map<string, AbortController>()
let nextTurn = 1

const turnsOf = (id: string) => threads.value[id] ?? []
const setTurns = (id: string, turns: Turn[]) => (threads.value = { ...threads.value, [id]: turns })

export const isAsking = (id: string) => turnsOf(id).some((turn) => turn.state === 'asking')

export async function askDocuments(id: string, question: string, model: string): Promise<void> {
  if (isAsking(id)) return
  const history = turnsOf(id)
    .filter((turn) => turn.answer !== null)
    .slice(-MOST_TURNS)
    .map((turn) => ({ question: turn.question, answer: turn.answer!.answer }))
  const turn: Turn = { id: nextTurn++, question, model, state: 'asking', claims: [], answer: null, error: null }
  setTurns(id, [...turnsOf(id), turn])
  const change = (part: Partial<Turn>) => setTurns(id, turnsOf(id).map((other) => (other.id === turn.id ? { ...other, ...part } : other)))
  const abort = new AbortController()
  aborts.set(id, abort)
  try {
    const answer = await api.askCollection(id, { query: question, history, ...(model ? { model } : {}) }, (claim) => {
      turn.claims = [...turn.claims, claim]
      change({ claims: turn.claims })
    }, abort.signal)
    change({ state: 'done', answer })
    announce(answer.declined ? t.value.documents.declined : answer.answer)
  } catch (error) {
    if (isAbort(error)) change({ state: 'stopped' })
    else {
      change({ state: 'failed', error: asApiError(error) })
      announce(t.value.chat.answerFailed)
    }
  } finally {
    if (aborts.get(id) === abort) aborts.delete(id)
  }
}

export function stopAsking(id: string): void {
  aborts.get(id)?.abort()
}

/** Asks the last question again, in the place of what came of it. */
export function askAgain(id: string): void {
  const last = turnsOf(id).at(-1)
  if (!last || last.state === 'asking') return
  setTurns(id, turnsOf(id).slice(0, -1))
  void askDocuments(id, last.question, last.model)
}

export function startOver(id: string): void {
  stopAsking(id)
  setTurns(id, [])
}

export async function searchDocuments(id: string, query: string): Promise<void> {
  const place = `${id}/search`
  aborts.get(place)?.abort()
  const abort = new AbortController()
  aborts.set(place, abort)
  const set = (part: Partial<Searched>) => (searches.value = { ...searches.value, [id]: { query, state: 'searching', found: [], error: null, ...part } })
  set({})
  try {
    const found = await api.search(id, query, FOUND, abort.signal)
    set({ state: 'done', found })
    announce(t.value.documents.nFound(found.length))
  } catch (error) {
    if (!isAbort(error)) set({ state: 'failed', error: asApiError(error) })
  }
}
