/** What was used: in all, over time, and by what it is divided by. */
import { graphql, type ResultOf } from '../../api/graphql'

const FIGURES = graphql(`
  fragment Figures on UsageFigures {
    requests
    calls
    errors
    refused
    cancelled
    cost
    unpricedCalls
    inputTokens
    outputTokens
    totalTokens
    latency {
      averageMs
      p50Ms
      p95Ms
    }
  }
`)

export const USAGE = graphql(
  `
    query Usage(
      $from: DateTime!
      $interval: UsageInterval!
      $groupBy: [UsageDimension!]
      $filter: UsageFilter
      $order: UsageMeasure!
      $charted: Int!
      $listed: Int!
    ) {
      usage(from: $from, interval: $interval, groupBy: $groupBy, filter: $filter) {
        from
        to
        totals {
          ...Figures
        }
        points {
          start
          figures {
            ...Figures
          }
        }
        groupCount
        charted: groups(first: $charted, order: $order) {
          project
          model
          token
          points {
            start
            figures {
              ...Figures
            }
          }
        }
        groups(first: $listed, order: $order) {
          project
          model
          token
          figures {
            ...Figures
          }
        }
      }
    }
  `,
  [FIGURES],
)

export type Figures = ResultOf<typeof FIGURES>
export type Report = ResultOf<typeof USAGE>['usage']
