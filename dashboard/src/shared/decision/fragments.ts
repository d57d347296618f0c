/** What a routing decision is made of, in a trace and in an explanation alike. */
import { graphql, type ResultOf } from '../../api/graphql'

export const FactsShown = graphql(`
  fragment FactsShown on RequestFacts {
    dialect
    modelNamed
    stream
    inputTokensEstimate
    inputTokensBound
    outputTokensCap
    answers
    needs
  }
`)

export const DropShown = graphql(`
  fragment DropShown on CandidateDrop {
    model
    reason
  }
`)

export const PolicyShown = graphql(`
  fragment PolicyShown on PolicyOutcome {
    kind
    weight
    failed
    models {
      model
      score
      weighted
      excluded
      reason
      inputs {
        name
        value
      }
    }
  }
`)

export const ExplanationShown = graphql(
  `
    fragment ExplanationShown on Explanation {
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
    }
  `,
  [FactsShown, DropShown, PolicyShown],
)

export interface Decision {
  facts: ResultOf<typeof FactsShown> | null
  candidates: readonly string[]
  unable: readonly ResultOf<typeof DropShown>[]
  dropped: readonly ResultOf<typeof DropShown>[]
  policies: readonly ResultOf<typeof PolicyShown>[]
  totals: readonly { model: string; total: number }[]
  order: readonly string[]
}
