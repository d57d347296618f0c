/** One request with its trace, and what another configuration would have made of it. */
import { graphql, type ResultOf } from '../../api/graphql'
import { DropShown, ExplanationShown, FactsShown, PolicyShown } from '../decision/fragments'

export const REQUEST = graphql(
  `
    query Request($id: ID!) {
      requestLog(id: $id) {
        traceId
        at
        projectSlug
        tokenId
        model
        provider
        status
        callType
        httpStatus
        dialect
        stream
        errorCode
        error
        inputTokens
        outputTokens
        cachedInputTokens
        cacheWriteTokens
        reasoningTokens
        estimated
        cost
        latencyMs
        firstByteMs
        revision
        cause
        labels {
          key
          value
        }
        routingCalls {
          traceId
          model
          status
          cost
          latencyMs
        }
        trace {
          facts {
            ...FactsShown
          }
          candidates
          unable {
            ...DropShown
          }
          dropped {
            ...DropShown
          }
          policies {
            ...PolicyShown
          }
          totals {
            model
            total
          }
          order
          attempts {
            model
            provider
            status
            startedMs
            firstByteMs
            firstContentMs
            endedMs
            httpStatus
            error
            cost
          }
        }
      }
    }
  `,
  [FactsShown, DropShown, PolicyShown],
)
export type Request = NonNullable<ResultOf<typeof REQUEST>['requestLog']>
export type Attempt = NonNullable<Request['trace']>['attempts'][number]

export const EXPLAIN_AGAIN = graphql(
  `
    query ExplainAgain($id: String!, $at: String) {
      explainRequest(id: $id, at: $at) {
        at
        revision
        reconstructed
        ...ExplanationShown
      }
    }
  `,
  [ExplanationShown],
)

/** Asked for alone: it takes a permission of its own. */
export const CONTENT = graphql(`
  query Content($id: ID!) {
    requestLog(id: $id) {
      trace {
        content
      }
    }
  }
`)

export const HEAD = graphql(`
  query Head {
    revision {
      commit
      committedAt
    }
  }
`)
