// Files that are put into a question as text. What is not text is refused with the reason.
import type { Attachment } from './tree'

export const MAX_BYTES = 2_000_000

export type Refusal = 'image' | 'binary' | 'tooLarge'

const decode = (bytes: Uint8Array, encoding: string): string | null => {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** UTF-8, UTF-16 with a mark, or EUC-KR, in which older Korean text files are written; null when it is not text. */
export function decodeText(bytes: Uint8Array): string | null {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return decode(bytes, bytes[0] === 0xff ? 'utf-16le' : 'utf-16be')
  }
  if (bytes.includes(0)) return null
  return decode(bytes, 'utf-8') ?? decode(bytes, 'euc-kr')
}

export async function readAttachment(file: File): Promise<Attachment | Refusal> {
  if (file.type.startsWith('image/') && file.type !== 'image/svg+xml') return 'image'
  if (file.size > MAX_BYTES) return 'tooLarge'
  const text = decodeText(new Uint8Array(await file.arrayBuffer()))
  return text === null ? 'binary' : { name: file.name || 'text.txt', text: text.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n') }
}
