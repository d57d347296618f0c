// How the dashboard is built: hashed files into api/static/, which the API reads at its start and the wheel holds.
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { documentation } from './scripts/documentation'

// `npm run dev` shows the sources at once, beside a running API; nothing of this reaches the build.
const api = process.env['WAYBILL_API_URL'] ?? 'http://127.0.0.1:8081'

export default defineConfig({
  plugins: [react(), documentation()],
  // The API puts a fresh nonce in its place in each answer: the content security policy names no other style element.
  html: { cspNonce: 'WAYBILL-NONCE' },
  build: {
    outDir: '../api/static',
    emptyOutDir: true,
    target: 'es2022',
    // A data: address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    // scripts/weigh.mjs says how much is too much.
    chunkSizeWarningLimit: 1024,
  },
  server: { fs: { allow: ['..'] }, proxy: { '/graphql': { target: api, ws: true }, '/relay': api } },
})
