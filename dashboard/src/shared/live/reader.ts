/**
 * A log that stays up to date: by subscription, or asked for at an interval, or not at all. Rows come in batches and are drawn at most
 * five times a second. After a lost connection it goes on at the cursor of the last batch: nothing is missing and nothing doubled.
 */
import type { Connection } from '../../api/subscriptions'
import type { LogRow } from './queries'
import { MOST_ROWS, withNewer, withOlder } from './rows'
import type { Batch, LogSource, Page } from './source'

/** How rows arrive: `live`, every so many ms, or `off`. */
export type Pace = 'live' | 'off' | number

export interface Shown {
  /** Newest first, without holes down to the last one. */
  rows: readonly LogRow[]
  hasOlder: boolean
  state: 'loading' | 'ready'
  connection: Connection
  /** What is wrong or missing, in words. */
  problem: string | undefined
}

const PAGE = 100
const FILL_PAGE = 200
const FILL_PAGES = MOST_ROWS / FILL_PAGE
const DRAWN_EVERY_MS = 200
const RETRIED_AFTER_MS = 2_000
const NEVER = -1

export class LogReader {
  private rows: readonly LogRow[] = []
  /** Where the next older page begins; null: there is none. */
  private oldest: string | null = null
  /** Where to go on: the newest position that was seen, "0" before any. */
  private newest = '0'
  private waiting: LogRow[] = []
  private ready = false
  private pace: Pace = 'off'
  /** Rises whenever answers that are on their way have lost their meaning. */
  private turn = 0
  /** The turn of the refresh that is on its way: a slow answer is waited for, not asked for again. */
  private refreshing = NEVER
  private fetchingOlder = false
  private stop: () => void = () => undefined

  constructor(
    private readonly source: LogSource,
    private readonly show: (changed: Partial<Shown>) => void,
  ) {}

  /** The newest page in the place of all that was there, tried until it comes; then up to date at the chosen pace. */
  async open(): Promise<void> {
    this.halt()
    this.ready = false
    const turn = this.turn
    try {
      const { nodes, pageInfo } = await this.someOf(null)
      if (turn !== this.turn) return
      this.rows = nodes
      this.oldest = pageInfo.hasNextPage ? pageInfo.endCursor : null
      this.newest = nodes[0]?.cursor ?? '0'
      this.ready = true
      this.show({ rows: this.rows, hasOlder: this.oldest !== null, state: 'ready', problem: undefined })
      this.keep(this.pace)
    } catch (error) {
      if (turn !== this.turn) return
      // What another filter found is not what this one would.
      this.show({ rows: [], hasOlder: false, state: 'loading', problem: inWords(error) })
      const timer = setTimeout(() => void this.open(), RETRIED_AFTER_MS)
      this.stop = () => clearTimeout(timer)
    }
  }

  /** From now on at this pace. */
  keep(pace: Pace): void {
    this.pace = pace
    if (!this.ready) return
    this.halt()
    if (pace === 'live') this.stop = this.live()
    else if (pace !== 'off') {
      const timer = setInterval(() => void this.refresh(), pace)
      this.stop = () => clearInterval(timer)
    }
  }

  /** Ask for what is new; where that is more than is kept, for the newest alone. */
  async refresh(): Promise<void> {
    if (!this.ready || this.refreshing === this.turn) return
    const turn = (this.refreshing = this.turn)
    try {
      for (let page = 0; page < FILL_PAGES; page++) {
        const { nodes, pageInfo } = await this.source.page(this.newest, 'OLDEST_FIRST', FILL_PAGE)
        if (turn !== this.turn) return
        this.add(nodes)
        this.newest = pageInfo.endCursor ?? this.newest
        if (!pageInfo.hasNextPage) return this.show({ problem: undefined })
      }
      await this.open()
    } catch (error) {
      if (turn === this.turn) this.show({ problem: inWords(error) })
    } finally {
      if (turn === this.refreshing) this.refreshing = NEVER
    }
  }

  /** The next older page, after those that are there. */
  async older(): Promise<void> {
    const from = this.oldest
    if (from === null || this.fetchingOlder) return
    this.fetchingOlder = true
    try {
      const page = await this.someOf(from)
      // Otherwise rows before it were let go meanwhile, and it would leave a hole.
      if (from !== this.oldest) return
      this.rows = withOlder(this.rows, page.nodes)
      this.oldest = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
      this.show({ rows: this.rows, hasOlder: this.oldest !== null })
    } catch (error) {
      this.show({ problem: inWords(error) })
    } finally {
      this.fetchingOlder = false
    }
  }

  /** The first page from `after` back that has a row: where few match, the server looks through so many and then says how far it came. */
  private async someOf(after: string | null): Promise<Page> {
    const turn = this.turn
    let page = await this.source.page(after, 'NEWEST_FIRST', PAGE)
    while (page.nodes.length === 0 && page.pageInfo.hasNextPage && turn === this.turn)
      page = await this.source.page(page.pageInfo.endCursor, 'NEWEST_FIRST', PAGE)
    return page
  }

  /** Nothing is asked for and nothing shown any more. */
  close(): void {
    this.ready = false
    this.halt()
    this.oldest = null
  }

  private halt(): void {
    this.turn++
    this.stop()
    this.stop = () => undefined
  }

  private live(): () => void {
    const timer = setInterval(() => this.draw(), DRAWN_EVERY_MS)
    const end = this.source.follow(
      () => this.newest,
      (batch) => this.take(batch),
      (connection, why) => this.show({ connection, ...((why || connection === 'live') && { problem: why }) }),
    )
    return () => {
      end()
      clearInterval(timer)
      // The cursor has passed them already: nobody would send them again.
      this.draw()
    }
  }

  private take({ gap, events, cursor }: Batch): void {
    // More is missing than a page holds.
    if (gap?.reason === 'slow') return void this.open()
    if (gap) this.show({ problem: 'Some rows are gone: they are no longer kept.' })
    this.waiting.push(...events)
    this.newest = cursor
    // A window out of sight is woken once a minute.
    if (this.waiting.length >= MOST_ROWS) this.draw()
  }

  private draw(): void {
    const coming = this.waiting
    this.waiting = []
    this.add(coming)
  }

  private add(coming: readonly LogRow[]): void {
    const before = this.rows
    this.rows = withNewer(before, coming)
    if (this.rows === before) return
    const last = this.rows.at(-1)
    // Rows that made room are asked for again when somebody scrolls to them.
    if (before.length && last && last !== before.at(-1)) this.oldest = last.cursor
    this.show({ rows: this.rows, hasOlder: this.oldest !== null })
  }
}

const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error))
