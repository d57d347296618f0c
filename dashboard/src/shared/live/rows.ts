/** A log's rows as a page holds them: newest first, none twice, and never more than a page can bear. Pure. */

export interface Cursored {
  cursor: string
}

/** So many are kept while rows stream in; older ones are asked for when somebody scrolls to them. */
export const MOST_ROWS = 2_000

/**
 * `rows` with `coming` (oldest first) before them. What is there already is left as it is. The oldest make room where there would be more
 * than `most`, or than somebody has asked for by scrolling.
 */
export function withNewer<Row extends Cursored>(
  rows: readonly Row[],
  coming: readonly Row[],
  most = MOST_ROWS,
): readonly Row[] {
  const known = new Set(rows.map(({ cursor }) => cursor))
  const fresh: Row[] = []
  for (const row of coming) {
    if (known.has(row.cursor)) continue
    known.add(row.cursor)
    fresh.push(row)
  }
  if (fresh.length === 0) return rows
  return [...fresh.reverse(), ...rows].slice(0, Math.max(most, rows.length))
}

/** `rows` with the next older page after them. */
export function withOlder<Row extends Cursored>(rows: readonly Row[], page: readonly Row[]): Row[] {
  const known = new Set(rows.map(({ cursor }) => cursor))
  return [...rows, ...page.filter(({ cursor }) => !known.has(cursor))]
}
