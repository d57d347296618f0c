/** What the Tokens tab asks for and changes. */
import { graphql, type ResultOf } from '../../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../../shared/change'
import { LimitsShown, UseShown } from '../queries'

export const TOKENS = graphql(
  `
    query Tokens($slug: String!, $search: String, $after: String, $reports: Boolean!) {
      project(slug: $slug) {
        slug
        revision
        models
        tokens(first: 50, search: $search, after: $after) {
          totalCount
          pageInfo {
            hasNextPage
            endCursor
          }
          nodes {
            token
            name
            prefix
            expiresAt
            formerValidUntil
            lastUsedAt @include(if: $reports)
            limits {
              ...LimitsShown
            }
            models {
              id
              limits {
                ...LimitsShown
              }
            }
            labels {
              key
              value
            }
            limitUse {
              ...UseShown
            }
          }
        }
      }
    }
  `,
  [LimitsShown, UseShown],
)
export type TokensProject = NonNullable<ResultOf<typeof TOKENS>['project']>
export type Token = TokensProject['tokens']['nodes'][number]

export const TOKEN_CREATE = graphql(
  `
    mutation TokenCreate($input: TokenCreateInput!) {
      tokenCreate(input: $input) {
        __typename
        ...Done
        ...Clash
        ...Invalid
        ...Denied
        ...Missing
        ... on TokenCreated {
          value
          token {
            name
          }
        }
      }
    }
  `,
  [Done, Clash, Invalid, Denied, Missing],
)

export const TOKEN_UPDATE = graphql(
  `
    mutation TokenUpdate($input: TokenUpdateInput!) {
      tokenUpdate(input: $input) {
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

export const TOKEN_REGENERATE = graphql(
  `
    mutation TokenRegenerate($input: TokenRegenerateInput!) {
      tokenRegenerate(input: $input) {
        __typename
        ...Done
        ...Clash
        ...Invalid
        ...Denied
        ...Missing
        ... on TokenRegenerated {
          value
        }
      }
    }
  `,
  [Done, Clash, Invalid, Denied, Missing],
)

export const TOKEN_REVOKE = graphql(
  `
    mutation TokenRevoke($input: TokenRevokeInput!) {
      tokenRevoke(input: $input) {
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
