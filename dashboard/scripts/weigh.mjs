// Fail a build whose first page costs more than it may: everything that the entry imports without being asked, gzipped.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const built = join(import.meta.dirname, '../../api/static')
const allowed = 250 * 1024
const manifest = JSON.parse(readFileSync(join(built, 'manifest.json'), 'utf8'))

const reached = new Set()
const reach = (name) => {
  if (reached.has(name)) return
  reached.add(name)
  for (const imported of manifest[name].imports ?? []) reach(imported)
}
for (const [name, chunk] of Object.entries(manifest)) if (chunk.isEntry) reach(name)

const bytes = [...reached].reduce(
  (sum, name) => sum + gzipSync(readFileSync(join(built, manifest[name].file))).length,
  0,
)
console.log(`initial JavaScript: ${(bytes / 1024).toFixed(1)} KB compressed, of ${allowed / 1024} KB`)
if (bytes > allowed) {
  console.error('too much: load a page or a library lazily (src/app/routes.tsx), or do without it')
  process.exit(1)
}
