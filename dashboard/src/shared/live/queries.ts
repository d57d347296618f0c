/** Log rows: a page of them, and those that come. */
import { graphql, type ApiType, type ResultOf } from '../../api/graphql'

export const LogRowShown = graphql(`
  fragment LogRowShown on RequestLog {
    traceId
    cursor
    at
    projectSlug
    tokenId
    model
    status
    callType
    httpStatus
    stream
    inputTokens
    outputTokens
    cost
    latencyMs
    attempts
    errorCode
    estimated
  }
`)
export type LogRow = ResultOf<typeof LogRowShown>
export type LogFilter = {
  project?: string[] | null
  token?: string[] | null
  model?: string[] | null
  status?: ApiType<'RequestStatus'>[] | null
  callType?: ApiType<'CallType'>[] | null
  since?: string | null
  until?: string | null
}

export const LOG_PAGE = graphql(
  `
    query LogPage($filter: RequestLogFilter, $first: Int, $after: String, $order: RequestLogOrder!) {
      requestLogs(filter: $filter, first: $first, after: $after, order: $order) {
        nodes {
          ...LogRowShown
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [LogRowShown],
)

export const LOG_FEED = graphql(
  `
    subscription LogFeed($filter: RequestLogFilter, $after: String) {
      requestLogFeed(filter: $filter, after: $after) {
        cursor
        gap {
          from
          to
          reason
        }
        events {
          ...LogRowShown
        }
      }
    }
  `,
  [LogRowShown],
)
