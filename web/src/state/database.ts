// Conversations in the browser's IndexedDB: one store of whole conversations, one of what the list shows of them.
import type { Conversation } from './tree'

export interface Summary {
  id: string
  title: string
  updated: number
}

const NAME = 'ondol'
const WHOLE = 'conversations'
const SUMMARIES = 'summaries'

let opened: Promise<IDBDatabase> | null = null
let database: IDBDatabase | null = null

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(WHOLE, { keyPath: 'id' })
      request.result.createObjectStore(SUMMARIES, { keyPath: 'id' })
    }
    request.onsuccess = () => {
      database = request.result
      resolve(database)
    }
    request.onerror = () => reject(request.error ?? new Error('IndexedDB cannot be opened'))
  })
  return opened
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('IndexedDB request failed'))
  })
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB transaction failed'))
  })
}

export const summaryOf = ({ id, title, updated }: Conversation): Summary => ({ id, title, updated })

export async function loadSummaries(): Promise<Summary[]> {
  const db = await open()
  return result<Summary[]>(db.transaction(SUMMARIES).objectStore(SUMMARIES).getAll())
}

export async function loadConversation(id: string): Promise<Conversation | null> {
  const db = await open()
  const found = await result<Conversation | undefined>(db.transaction(WHOLE).objectStore(WHOLE).get(id))
  return found ?? null
}

/** Written before it returns where the database is open: a page that is being left does nothing later. */
export async function storeConversation(conversation: Conversation): Promise<void> {
  const db = database ?? (await open())
  const transaction = db.transaction([WHOLE, SUMMARIES], 'readwrite')
  transaction.objectStore(WHOLE).put(conversation)
  transaction.objectStore(SUMMARIES).put(summaryOf(conversation))
  transaction.commit?.()
  await completed(transaction)
}

export async function eraseConversation(id: string): Promise<void> {
  const db = await open()
  const transaction = db.transaction([WHOLE, SUMMARIES], 'readwrite')
  transaction.objectStore(WHOLE).delete(id)
  transaction.objectStore(SUMMARIES).delete(id)
  await completed(transaction)
}

/** Visits every conversation, one at a time, so that memory stays small. Stops when `visit` gives false. */
export async function forEachConversation(visit: (conversation: Conversation) => boolean | void): Promise<void> {
  const db = await open()
  const request = db.transaction(WHOLE).objectStore(WHOLE).openCursor()
  await new Promise<void>((resolve, reject) => {
    request.onerror = () => reject(request.error ?? new Error('IndexedDB request failed'))
    request.onsuccess = () => {
      const cursor = request.result
      if (!cursor || visit(cursor.value as Conversation) === false) resolve()
      else cursor.continue()
    }
  })
}
