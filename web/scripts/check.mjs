// Builds the page again and compares the result with the committed dist/, byte for byte.
import { execSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'

const env = { ...process.env, ONDOL_WEB_OUT: '.check/bundle' }
rmSync('.check', { recursive: true, force: true })
execSync('npx tsc --noEmit && npx vite build --logLevel warn && node scripts/pack.mjs .check/bundle .check/dist', { env, stdio: 'inherit' })

const built = readdirSync('.check/dist').sort()
const committed = readdirSync('dist').sort()
const problems = [
  ...built.filter((name) => !committed.includes(name)).map((name) => `dist/${name} is missing`),
  ...committed.filter((name) => !built.includes(name)).map((name) => `dist/${name} is not built any more`),
  ...built
    .filter((name) => committed.includes(name) && !readFileSync(`.check/dist/${name}`).equals(readFileSync(`dist/${name}`)))
    .map((name) => `dist/${name} differs`),
]
rmSync('.check', { recursive: true, force: true })
console.log(problems.join('\n') || 'dist is what the sources build')
process.exit(problems.length ? 1 : 0)
