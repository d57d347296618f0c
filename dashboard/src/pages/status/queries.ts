/** What runs where. */
import { graphql, type ResultOf } from '../../api/graphql'

const PROXY = graphql(`
  fragment Proxy on ProxyState {
    id
    pid
    connected
    revision
    sequence
    behind
    lagMs
    refused {
      revision
      errors
    }
    reportedAt
    lastSeenAt
  }
`)

export const STATUS = graphql(
  `
    query Status {
      proxies {
        ...Proxy
      }
      configuration {
        head
        sequence
        revision {
          commit
          committedAt
          reason
          author {
            name
          }
        }
        degraded {
          path
          reason
        }
        refused {
          file
          line
          field
          reason
        }
      }
    }
  `,
  [PROXY],
)

export const PROXY_STATE = graphql(
  `
    subscription ProxyState {
      proxyState {
        ...Proxy
      }
    }
  `,
  [PROXY],
)

export type Proxy = ResultOf<typeof PROXY>
export type Configuration = ResultOf<typeof STATUS>['configuration']
