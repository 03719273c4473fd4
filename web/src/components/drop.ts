// Dropping files on a part of the page.
import { useState } from 'preact/hooks'

/** Handlers for an element on which files may be dropped anywhere, and whether some hover over it. */
export function useDrop(onFiles: (transfer: DataTransfer) => void) {
  const [dropping, setDropping] = useState(false)
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
  return {
    dropping,
    onDragOver: (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setDropping(true)
    },
    onDragLeave: (event: DragEvent) => {
      if (!(event.currentTarget as Node).contains(event.relatedTarget as Node | null)) setDropping(false)
    },
    onDrop: (event: DragEvent) => {
      setDropping(false)
      if (!hasFiles(event)) return
      event.preventDefault()
      onFiles(event.dataTransfer!)
    },
  }
}

/** More than this are not taken out of dropped folders. */
const MOST_FILES = 10_000

async function filesUnder(entry: FileSystemEntry, into: File[]): Promise<void> {
  if (into.length >= MOST_FILES || entry.name.startsWith('.')) return
  if (entry.isFile) {
    await new Promise<void>((done) => (entry as FileSystemFileEntry).file((file) => (into.push(file), done()), () => done()))
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    // It gives a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((done) => reader.readEntries(done, () => done([])))
    if (some.length === 0) return
    for (const each of some) await filesUnder(each, into)
  }
}

/** What was dropped, with the files of folders; hidden ones are left out of those. */
export async function filesIn(transfer: DataTransfer): Promise<File[]> {
  // Both must be asked before anything is waited for: afterwards it is empty.
  const plain = [...transfer.files]
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null)
  if (!entries.some((entry) => entry.isDirectory)) return plain
  const files: File[] = []
  for (const entry of entries) await filesUnder(entry, files)
  return files
}
