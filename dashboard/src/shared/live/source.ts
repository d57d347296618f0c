/** Where a log's rows come from: pages by query, and batches by subscription. */
import type { Client } from 'urql'
import { inWords } from '../../api/client'
import type { ResultOf } from '../../api/graphql'
import { follow, type Connection } from '../../api/subscriptions'
import { LOG_FEED, LOG_PAGE, type LogFilter } from './queries'

export type Page = ResultOf<typeof LOG_PAGE>['requestLogs']
export type Batch = ResultOf<typeof LOG_FEED>['requestLogFeed']
export type Order = 'NEWEST_FIRST' | 'OLDEST_FIRST'

export interface LogSource {
  /** At most `first` rows after a cursor. Fails with an Error in words for a person. */
  page: (after: string | null, order: Order, first: number) => Promise<Page>
  /** Batches from `after()` on, asked for again at each connection, until the returned function is called. */
  follow: (
    after: () => string,
    onBatch: (batch: Batch) => void,
    onConnection: (now: Connection, why?: string) => void,
  ) => () => void
}

/** The rows that `filter` means, over GraphQL. */
export function logSource(client: Client, filter: LogFilter): LogSource {
  return {
    page: async (after, order, first) => {
      const variables = { filter, after, order, first }
      const { data, error } = await client.query(LOG_PAGE, variables, { requestPolicy: 'network-only' }).toPromise()
      if (!data) throw new Error(error ? inWords(error) : 'Waybill did not answer.')
      return data.requestLogs
    },
    follow: (after, onBatch, onConnection) =>
      follow({
        document: LOG_FEED,
        variables: () => ({ filter, after: after() }),
        onData: ({ requestLogFeed }) => onBatch(requestLogFeed),
        onConnection,
      }),
  }
}
