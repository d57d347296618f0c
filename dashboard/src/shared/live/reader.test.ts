import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Connection } from '../../api/subscriptions'
import type { LogRow } from './queries'
import { LogReader, type Shown } from './reader'
import { MOST_ROWS } from './rows'
import type { Batch, LogSource, Order, Page } from './source'

const row = (position: number): LogRow => ({ cursor: String(position) }) as LogRow
const rows = (from: number, to: number): LogRow[] => Array.from({ length: to - from + 1 }, (_, at) => row(from + at))

/** A log at the port: positions 1 to `newest`, answered at once unless `held`. */
class Log implements LogSource {
  newest = 0
  away = false
  asked = 0
  answers: (() => void)[] | undefined
  feed: { after: () => string; onBatch: (batch: Batch) => void; onConnection: (now: Connection) => void } | undefined

  page = async (after: string | null, order: Order, first: number): Promise<Page> => {
    this.asked++
    if (this.answers) await new Promise<void>((answer) => this.answers?.push(answer))
    if (this.away) throw new Error('Waybill did not answer.')
    const all = rows(1, this.newest)
    const wanted =
      order === 'OLDEST_FIRST'
        ? all.filter(({ cursor }) => Number(cursor) > Number(after))
        : all.reverse().filter(({ cursor }) => after === null || Number(cursor) < Number(after))
    const nodes = wanted.slice(0, first)
    const pageInfo = { hasNextPage: wanted.length > first, endCursor: nodes.at(-1)?.cursor ?? null }
    return { nodes, pageInfo }
  }

  follow = (after: () => string, onBatch: (batch: Batch) => void, onConnection: (now: Connection) => void) => {
    this.feed = { after, onBatch, onConnection }
    onConnection('live')
    return () => (this.feed = undefined)
  }

  /** So many more requests end, and who follows is told. */
  grow(by: number, gap: Batch['gap'] = null): void {
    const events = rows(this.newest + 1, this.newest + by)
    this.newest += by
    this.feed?.onBatch({ cursor: String(this.newest), gap, events: gap ? [] : events })
  }
}

let log: Log
let shown: Shown
let reader: LogReader
const positions = (): number[] => shown.rows.map(({ cursor }) => Number(cursor))
const downTo = (newest: number, oldest: number): number[] =>
  Array.from({ length: newest - oldest + 1 }, (_, at) => newest - at)

beforeEach(() => {
  vi.useFakeTimers()
  log = new Log()
  shown = { rows: [], hasOlder: false, state: 'loading', connection: 'connecting', problem: undefined }
  reader = new LogReader(log, (changed) => (shown = { ...shown, ...changed }))
})
afterEach(() => {
  reader.close()
  vi.useRealTimers()
})

async function opened(pace: 'live' | 'off' | number, newest: number): Promise<void> {
  log.newest = newest
  reader.keep(pace)
  await reader.open()
}

describe('a log that is followed', () => {
  it('draws what comes, five times a second', async () => {
    await opened('live', 3)
    log.grow(1)
    log.grow(1)
    expect(positions()).toEqual([3, 2, 1])
    vi.advanceTimersByTime(200)
    expect(positions()).toEqual([5, 4, 3, 2, 1])
  })
  it('goes on at the cursor of its last batch', async () => {
    await opened('live', 3)
    log.grow(2)
    expect(log.feed?.after()).toBe('5')
  })
  it('loses no row that was not drawn yet when another pace is chosen', async () => {
    await opened('live', 3)
    log.grow(2)
    reader.keep(5_000)
    expect(positions()).toEqual([5, 4, 3, 2, 1])
    log.grow(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(positions()).toEqual([6, 5, 4, 3, 2, 1])
  })
  it('leaves no hole between the rows that made room and older ones', async () => {
    await opened('live', 100)
    log.grow(MOST_ROWS)
    vi.advanceTimersByTime(200)
    expect(positions()).toEqual(downTo(2_100, 101))
    expect(shown.hasOlder).toBe(true)
    await reader.older()
    expect(positions()).toEqual(downTo(2_100, 1))
  })
  it('keeps the rows that somebody scrolled to', async () => {
    await opened('live', MOST_ROWS + 100)
    while (shown.hasOlder) await reader.older()
    log.grow(10)
    vi.advanceTimersByTime(200)
    expect(positions()).toEqual(downTo(2_110, 11))
  })
  it('begins anew at the newest where it was too slow', async () => {
    await opened('live', 10)
    log.grow(30_000, { from: '10', to: '30010', reason: 'slow' })
    await vi.advanceTimersByTimeAsync(0)
    expect(positions()).toEqual(downTo(30_010, 29_911))
    expect(log.feed?.after()).toBe('30010')
  })
})

describe('a log that is asked for at an interval', () => {
  it('takes every row since, over several pages', async () => {
    await opened(5_000, 3)
    log.newest = 703
    await vi.advanceTimersByTimeAsync(5_000)
    expect(positions()).toEqual(downTo(703, 1))
  })
  it('takes the newest alone where more came than is kept', async () => {
    await opened(5_000, 3)
    log.newest = 9_000
    await vi.advanceTimersByTimeAsync(5_000)
    expect(positions()).toEqual(downTo(9_000, 8_901))
  })
  it('waits for a slow answer and does not ask twice', async () => {
    await opened(5_000, 3)
    log.answers = []
    log.newest = 4
    await vi.advanceTimersByTimeAsync(16_000)
    expect(log.asked).toBe(2)
    log.answers[0]?.()
    await vi.advanceTimersByTimeAsync(0)
    expect(positions()).toEqual([4, 3, 2, 1])
  })
  it('shows nothing of an answer that comes after it was closed', async () => {
    await opened(5_000, 3)
    log.answers = []
    log.newest = 4
    await vi.advanceTimersByTimeAsync(5_000)
    reader.close()
    log.answers[0]?.()
    await vi.advanceTimersByTimeAsync(0)
    expect(positions()).toEqual([3, 2, 1])
  })
})

describe('a server that is away', () => {
  it('is said in words, and asked again until it answers', async () => {
    log.away = true
    await opened('live', 3)
    expect(shown).toMatchObject({ state: 'loading', problem: 'Waybill did not answer.' })
    log.away = false
    await vi.advanceTimersByTimeAsync(2_000)
    expect(shown).toMatchObject({ state: 'ready', problem: undefined })
    expect(positions()).toEqual([3, 2, 1])
  })
})
