/** People, roles, and what people did that is in no commit. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

export const USERS = graphql(`
  query Users($search: String, $after: String) {
    users(first: 100, search: $search, after: $after) {
      nodes {
        id
        email
        name
        role
        createdAt
        disabledAt
        memberships {
          projectSlug
          role
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const ROLES = graphql(`
  query Roles {
    roles {
      name
      description
      builtIn
      globalPermissions
      projectPermissions
      revision
    }
    revision {
      commit
    }
  }
`)

export const AUDIT = graphql(`
  query AuditLog($filter: AuditLogFilter, $after: String) {
    auditLog(filter: $filter, first: 50, after: $after) {
      nodes {
        cursor
        at
        userId
        action
        outcome
        subject
        client
        detail
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const CREATE_USER = graphql(
  `
    mutation CreateUser($input: UserCreateInput!) {
      userCreate(input: $input) {
        __typename
        ... on UserCreated {
          password
        }
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const UPDATE_USER = graphql(
  `
    mutation UpdateUser($input: UserUpdateInput!) {
      userUpdate(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const DELETE_USER = graphql(
  `
    mutation DeleteUser($input: UserDeleteInput!) {
      userDelete(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const RESET_PASSWORD = graphql(
  `
    mutation ResetPassword($input: UserPasswordResetInput!) {
      userPasswordReset(input: $input) {
        __typename
        ... on UserPasswordReset {
          password
        }
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const REVOKE_KEYS = graphql(
  `
    mutation RevokeKeys($input: UserKeysRevokeInput!) {
      userKeysRevoke(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const CREATE_ROLE = graphql(
  `
    mutation CreateRole($input: RoleCreateInput!) {
      roleCreate(input: $input) {
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

export const UPDATE_ROLE = graphql(
  `
    mutation UpdateRole($input: RoleUpdateInput!) {
      roleUpdate(input: $input) {
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

export const DELETE_ROLE = graphql(
  `
    mutation DeleteRole($input: RoleDeleteInput!) {
      roleDelete(input: $input) {
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

export type User = ResultOf<typeof USERS>['users']['nodes'][number]
export type Role = ResultOf<typeof ROLES>['roles'][number]
