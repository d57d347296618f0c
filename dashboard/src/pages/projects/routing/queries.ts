/** What the Routing tab asks for and changes. */
import { graphql, type ResultOf } from '../../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../../shared/change'
import { LimitsShown } from '../queries'

export const ROUTING = graphql(
  `
    query Routing($slug: String!) {
      project(slug: $slug) {
        slug
        revision
        routing {
          models {
            modelId
            guidance
            limits {
              ...LimitsShown
            }
          }
          policies {
            position
            kind
            enabled
            parameters
            given
          }
        }
      }
    }
  `,
  [LimitsShown],
)
export type RoutedProject = NonNullable<ResultOf<typeof ROUTING>['project']>

const ParameterShown = graphql(`
  fragment ParameterShown on PolicyParameter {
    name
    title
    type
    help
    unit
    required
    default
    minimum
    maximum
    maxLength
    choices
  }
`)

export const PALETTE = graphql(
  `
    query Palette {
      policies {
        kind
        title
        help
        documentation
        callsAModel
        parameters {
          ...ParameterShown
          items {
            ...ParameterShown
            items {
              ...ParameterShown
            }
            fields {
              ...ParameterShown
              items {
                ...ParameterShown
              }
            }
          }
          fields {
            ...ParameterShown
          }
        }
      }
    }
  `,
  [ParameterShown],
)
export type PolicyKind = ResultOf<typeof PALETTE>['policies'][number]

export const ROUTING_UPDATE = graphql(
  `
    mutation RoutingUpdate($input: RoutingUpdateInput!) {
      routingUpdate(input: $input) {
        __typename
        ...Done
        ...Clash
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Done, Clash, Invalid, Denied, Missing],
)
