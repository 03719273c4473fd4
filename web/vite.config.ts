import { readFileSync } from 'node:fs'
import { defineConfig, type Plugin } from 'vite'

/** Ships src/boot.js as a classic script that runs before the first paint (the theme must be known by then). */
function bootScript(): Plugin {
  let file = '/src/boot.js'
  let isBuild = false
  return {
    name: 'ondol-boot',
    configResolved(config) {
      isBuild = config.command === 'build'
    },
    buildStart() {
      if (!isBuild) return
      const source = readFileSync('src/boot.js', 'utf8').replace(/^\s*\/\/.*\n/gm, '')
      file = '/' + this.getFileName(this.emitFile({ type: 'asset', name: 'boot.js', source }))
    },
    transformIndexHtml: () => [{ tag: 'script', attrs: { src: file }, injectTo: 'head-prepend' }],
  }
}

export default defineConfig({
  plugins: [bootScript()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    outDir: process.env.ONDOL_WEB_OUT ?? '.bundle',
    emptyOutDir: true,
    assetsDir: '',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        entryFileNames: 'app-[hash].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/api', '/metrics'].map((path) => [path, process.env.ONDOL_URL ?? 'http://127.0.0.1:8099']),
    ),
  },
  test: { include: ['unit/**/*.test.ts'], environment: 'jsdom' },
} as Parameters<typeof defineConfig>[0])
