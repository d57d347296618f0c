/** What the Users tab asks for and changes. */
import { graphql } from '../../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../../shared/change'

export const ROLES = graphql(`
  query ProjectRoles {
    roles {
      name
      description
      builtIn
      projectPermissions
    }
  }
`)

export const KNOWN_USERS = graphql(`
  query KnownUsers($search: String) {
    users(first: 50, search: $search) {
      nodes {
        email
        name
      }
    }
  }
`)

export const MEMBER_SET = graphql(
  `
    mutation MemberSet($input: MemberSetInput!) {
      memberSet(input: $input) {
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

export const MEMBER_REMOVE = graphql(
  `
    mutation MemberRemove($input: MemberRemoveInput!) {
      memberRemove(input: $input) {
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
