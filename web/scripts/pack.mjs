// Compresses the bundle into a folder of .gz files with a manifest: what the server embeds and what is committed.
//   node scripts/pack.mjs [bundle folder] [output folder]
// The result depends on nothing but the bundle: gzip comes from a pinned library (the platform's zlib differs between
// machines), level 9, without a time.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'fflate'

const [bundle = '.bundle', output = 'dist'] = process.argv.slice(2)

// The same list is in check_dist.py.
const SOURCES = ['.npmrc', 'index.html', 'package-lock.json', 'package.json', 'public', 'scripts/pack.mjs', 'src', 'tsconfig.json', 'vite.config.ts']

const TYPES = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

function filesUnder(path) {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap((name) => filesUnder(`${path}/${name}`))
}

function sourceHash() {
  const lines = SOURCES.flatMap(filesUnder).sort().map((path) => `${path} ${sha256(readFileSync(path))}\n`)
  return sha256(lines.join(''))
}

rmSync(output, { recursive: true, force: true })
mkdirSync(output, { recursive: true })
let total = 0
const files = readdirSync(bundle).sort().map((path) => {
  const extension = path.split('.').pop()
  const type = TYPES[extension]
  if (!type) throw new Error(`${path}: no content type is known for .${extension}; add it to scripts/pack.mjs`)
  const packed = gzipSync(readFileSync(`${bundle}/${path}`), { level: 9, mem: 12, mtime: 0 })
  packed[9] = 255 // operating system: unknown
  writeFileSync(`${output}/${path}.gz`, packed)
  total += packed.length
  return { path, content_type: type, immutable: /-[\w-]{8,}\.\w+$/.test(path), size: packed.length, sha256: sha256(packed) }
})
writeFileSync(`${output}/manifest.json`, JSON.stringify({ source_sha256: sourceHash(), files }, null, 1) + '\n')
console.log(`${output}: ${files.length} files, ${(total / 1024).toFixed(1)} KiB compressed`)
