/** Pages of the documentation as HTML: scripts/documentation.ts makes them. */
declare module '*.md?html' {
  const html: string
  export default html
}
