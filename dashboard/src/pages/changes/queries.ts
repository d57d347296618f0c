/** The history of the configuration. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

const REVISION_LINE = graphql(`
  fragment RevisionLine on Revision {
    commit
    committedAt
    reason
    author {
      name
      email
    }
    changedFiles
    trailers {
      key
      value
    }
  }
`)

export const HISTORY = graphql(
  `
    query Changes($project: String, $path: String, $field: String, $after: String) {
      history(project: $project, path: $path, field: $field, first: 30, after: $after) {
        nodes {
          ...RevisionLine
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [REVISION_LINE],
)

export const CHANGE = graphql(
  `
    query Change($id: ID!) {
      revision(id: $id) {
        ...RevisionLine
        parents
        diff {
          path
          change
          unified
        }
      }
      head: revision {
        commit
      }
    }
  `,
  [REVISION_LINE],
)

/** Of some of its files. */
export const DIFFERENCES = graphql(`
  query Differences($id: ID!, $paths: [String!]!) {
    revision(id: $id) {
      diff(paths: $paths) {
        path
        change
        unified
      }
    }
  }
`)

export const BLAME = graphql(`
  query BlameOf($path: String!, $field: String!) {
    blame(path: $path, field: $field) {
      lines {
        line
        text
        revision {
          commit
          committedAt
          reason
          author {
            name
          }
        }
      }
      revision {
        commit
        committedAt
        reason
        author {
          name
        }
      }
    }
  }
`)

export const REVERT = graphql(
  `
    mutation Revert($input: RevertInput!) {
      revert(input: $input) {
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

export type RevisionLine = ResultOf<typeof REVISION_LINE>
