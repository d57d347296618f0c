/** Pages of docs/ as HTML, made at build: `import html from '…/docs/name.md?html'`. Headings get the anchors that links name. */
import { readFile } from 'node:fs/promises'
import { Marked, type Tokens } from 'marked'
import type { Plugin } from 'vite'

const SUFFIX = '.md?html'

/** The anchor that a heading's text makes: as GitHub does, so that a link works there and here. */
export function anchor(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}

const marked = new Marked({
  hooks: {
    postprocess: (html) =>
      html.replaceAll('<table>', '<div class="wide shows-more"><table>').replaceAll('</table>', '</table></div>'),
  },
  renderer: {
    heading({ tokens, depth, text }: Tokens.Heading): string {
      return `<h${depth} id="${anchor(text)}" tabindex="-1">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    // A corner without words is no heading.
    tablecell({ tokens, header, text }: Tokens.TableCell): string {
      const name = header && text ? 'th' : 'td'
      return `<${name}>${this.parser.parseInline(tokens)}</${name}>\n`
    },
    // A wide block is scrolled, which has to work with the keyboard too.
    code({ text }: Tokens.Code): string {
      return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`
    },
    link({ href, tokens }: Tokens.Link): string {
      return `<a href="${href.replace(/^(?:\.\/)?([\w-]+)\.md/, '/docs/$1')}">${this.parser.parseInline(tokens)}</a>`
    },
  },
})

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

export function documentation(): Plugin {
  return {
    name: 'documentation',
    enforce: 'pre',
    async load(id) {
      if (!id.endsWith(SUFFIX)) return null
      const source = await readFile(id.slice(0, -'?html'.length), 'utf8')
      return `export default ${JSON.stringify(await marked.parse(source))}`
    },
  }
}
