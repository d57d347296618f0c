/** What the project pages ask for and change. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

export const PROJECTS = graphql(`
  query Projects($search: String, $order: ProjectOrder!, $after: String) {
    revision {
      commit
    }
    projects(first: 100, after: $after, search: $search, order: $order) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      nodes {
        slug
        name
        tokenCount
        models
        policies
        today {
          cost
          calls
          errors
          unpricedCalls
        }
        trend {
          days
          cost
          calls
        }
      }
    }
  }
`)
export type ListedProject = ResultOf<typeof PROJECTS>['projects']['nodes'][number]

export const LimitsShown = graphql(`
  fragment LimitsShown on Limits {
    mode
    rules {
      metric
      value
      window
      rolling {
        length
        unit
      }
    }
  }
`)

export const UseShown = graphql(`
  fragment UseShown on LimitUse {
    scope
    token
    model
    metric
    window
    windowStart
    resetsAt
    limit
    used
    remaining
    share
    exhausted
  }
`)
export type LimitUse = ResultOf<typeof UseShown>

export const PROJECT = graphql(
  `
    query Project($slug: String!) {
      project(slug: $slug) {
        slug
        name
        description
        revision
        defaultMaxOutputTokens
        traceContent
        tokenCount
        timeouts {
          timeoutMs
          attemptTimeoutMs
          idleTimeoutMs
          connectTimeoutMs
        }
        limits {
          ...LimitsShown
        }
        limitUse {
          ...UseShown
        }
        members {
          user
          role
        }
        connectionInfo {
          baseUrl
          projectBaseUrl
          maskedToken
        }
      }
      settings {
        timeouts {
          timeoutMs
        }
      }
    }
  `,
  [LimitsShown, UseShown],
)
export type Project = NonNullable<ResultOf<typeof PROJECT>['project']>

export const CREATE = graphql(
  `
    mutation ProjectCreate($input: ProjectCreateInput!) {
      projectCreate(input: $input) {
        __typename
        ...Done
        ...Clash
        ...Invalid
        ...Denied
        ...Missing
        ... on ProjectCreated {
          project {
            slug
          }
        }
      }
    }
  `,
  [Done, Clash, Invalid, Denied, Missing],
)

export const UPDATE = graphql(
  `
    mutation ProjectUpdate($input: ProjectUpdateInput!) {
      projectUpdate(input: $input) {
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

export const DELETE = graphql(
  `
    mutation ProjectDelete($input: ProjectDeleteInput!) {
      projectDelete(input: $input) {
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
