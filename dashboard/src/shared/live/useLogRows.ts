/**
 * A log that stays up to date: by subscription, or asked for at an interval, or not at all. Rows come in batches and are drawn at most
 * five times a second. After a lost connection it goes on at the cursor of the last batch: nothing is missing and nothing doubled.
 */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient, type Client } from 'urql'
import { inWords } from '../../api/client'
import type { ResultOf } from '../../api/graphql'
import { follow, type Connection } from '../../api/subscriptions'
import { LOG_FEED, LOG_PAGE, type LogFilter, type LogRow } from './queries'
import { withNewer, withOlder } from './rows'

/** How rows arrive: `live`, every so many ms, or `off`. */
export type Pace = 'live' | 'off' | number

export interface Log {
  rows: LogRow[]
  state: 'loading' | 'ready'
  connection: Connection
  /** What is wrong or missing, in words. */
  problem: string | undefined
  hasOlder: boolean
  older: () => void
  refresh: () => void
}

const PAGE = 100
const FILL_PAGE = 200
const FILL_PAGES = 20
const DRAWN_EVERY_MS = 200

type Page = ResultOf<typeof LOG_PAGE>['requestLogs']
type Order = 'NEWEST_FIRST' | 'OLDEST_FIRST'

async function ask(
  client: Client,
  filter: LogFilter,
  after: string | null,
  order: Order,
  first: number,
): Promise<Page> {
  const variables = { filter, after, order, first }
  const { data, error } = await client.query(LOG_PAGE, variables, { requestPolicy: 'network-only' }).toPromise()
  if (!data) throw new Error(error ? inWords(error) : 'Waybill did not answer.')
  return data.requestLogs
}

/** `filter` must keep its identity while it means the same. */
export function useLogRows(filter: LogFilter, pace: Pace): Log {
  const client = useClient()
  const [rows, setRows] = useState<LogRow[]>([])
  const [state, setState] = useState<Log['state']>('loading')
  const [connection, setConnection] = useState<Connection>('connecting')
  const [problem, setProblem] = useState<string>()
  const [oldest, setOldest] = useState<string | null>(null)
  const [begun, setBegun] = useState(0)
  // Where to go on: the newest position that was seen, "0" before any.
  const newest = useRef('0')

  const said = useCallback((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)), [])

  /** Everything after the newest known row, page by page. */
  const catchUp = useCallback(async () => {
    for (let page = 0; page < FILL_PAGES; page++) {
      const { nodes, pageInfo } = await ask(client, filter, newest.current, 'OLDEST_FIRST', FILL_PAGE)
      newest.current = pageInfo.endCursor ?? newest.current
      if (nodes.length) setRows((before) => withNewer(before, nodes))
      if (!pageInfo.hasNextPage) break
    }
    setProblem(undefined)
  }, [client, filter])

  useEffect(() => {
    let gone = false
    void ask(client, filter, null, 'NEWEST_FIRST', PAGE)
      .then(({ nodes, pageInfo }) => {
        if (gone) return
        newest.current = nodes[0]?.cursor ?? '0'
        setRows(nodes)
        setOldest(pageInfo.hasNextPage ? pageInfo.endCursor : null)
        setProblem(undefined)
        setState('ready')
        setBegun((count) => count + 1)
      })
      .catch((error: unknown) => {
        if (!gone) said(error)
      })
    return () => {
      gone = true
    }
  }, [client, filter, said])

  useEffect(() => {
    if (begun === 0 || pace !== 'live') return
    let waiting: LogRow[] = []
    const timer = setInterval(() => {
      if (waiting.length === 0) return
      const coming = waiting
      waiting = []
      setRows((before) => withNewer(before, coming))
    }, DRAWN_EVERY_MS)
    const stop = follow({
      document: LOG_FEED,
      variables: () => ({ filter, after: newest.current }),
      onConnection: (now, why) => {
        setConnection(now)
        if (now === 'live') setProblem(undefined)
        else if (why) setProblem(why)
      },
      onData: ({ requestLogFeed: batch }) => {
        if (batch.gap?.reason === 'slow') void catchUp().catch(said)
        else if (batch.gap) setProblem('Some rows are gone: they are no longer kept.')
        waiting.push(...batch.events)
        newest.current = batch.cursor
      },
    })
    return () => {
      clearInterval(timer)
      stop()
    }
  }, [begun, pace, filter, catchUp, said])

  useEffect(() => {
    if (begun === 0 || typeof pace !== 'number') return
    const timer = setInterval(() => void catchUp().catch(said), pace)
    return () => clearInterval(timer)
  }, [begun, pace, catchUp, said])

  const older = (): void => {
    if (oldest === null) return
    setOldest(null)
    void ask(client, filter, oldest, 'NEWEST_FIRST', PAGE)
      .then(({ nodes, pageInfo }) => {
        setRows((before) => withOlder(before, nodes))
        setOldest(pageInfo.hasNextPage ? pageInfo.endCursor : null)
      })
      .catch(said)
  }

  return {
    rows,
    state,
    connection,
    problem,
    hasOlder: oldest !== null,
    older,
    refresh: () => void catchUp().catch(said),
  }
}
