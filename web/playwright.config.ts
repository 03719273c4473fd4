import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'

/** Debian's Chromium where it is installed, else the one that Playwright fetched. */
const system = process.env.ONDOL_CHROMIUM ?? '/usr/bin/chromium'
const port = Number(process.env.ONDOL_MOCK_PORT ?? 8097)

/** With ONDOL_URL the tests that need no stand-in (@any) and those that need a real server (@real) run against it. */
const url = process.env.ONDOL_URL

export default defineConfig({
  testDir: 'tests',
  timeout: 30_000,
  expect: { timeout: 5_000 },
  fullyParallel: false,
  workers: 1,
  reporter: [['list']],
  ...(url ? { grep: /@any|@real/ } : { grepInvert: /@real/ }),
  use: {
    baseURL: url ?? `http://127.0.0.1:${port}`,
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: {
      ...(existsSync(system) ? { executablePath: system } : {}),
      args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    },
  },
  ...(url ? {} : { webServer: { command: `node mock/server.mjs --port ${port}`, url: `http://127.0.0.1:${port}/`, reuseExistingServer: false } }),
})
