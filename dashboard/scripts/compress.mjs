// Compress every built file once, so that the API never compresses while it serves.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const built = join(import.meta.dirname, '../../api/static')
const smallest = 1024

for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  // index.html is filled in for each answer; what is compressed already does not shrink.
  if (!entry.isFile() || !/\.(js|css|svg|json)$/.test(path)) continue
  const content = readFileSync(path)
  if (content.length < smallest) continue
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
}
