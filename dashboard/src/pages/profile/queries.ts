/** What the profile asks for and changes. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Denied, Invalid, Missing } from '../../shared/change'

export const PROFILE = graphql(`
  query Profile {
    viewer {
      id
      email
      name
      role
      sessions {
        id
        current
        createdAt
        lastSeenAt
        expiresAt
        client
        agent
      }
      apiKeys {
        id
        name
        prefix
        current
        createdAt
        lastUsedAt
        expiresAt
      }
    }
  }
`)

export type ApiKey = ResultOf<typeof PROFILE>['viewer']['apiKeys'][number]
export type Session = ResultOf<typeof PROFILE>['viewer']['sessions'][number]

export const CHANGE_PASSWORD = graphql(
  `
    mutation ChangePassword($input: PasswordChangeInput!) {
      passwordChange(input: $input) {
        __typename
        ... on PasswordChanged {
          endedSessions
        }
        ... on LoginRefused {
          message
        }
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const CREATE_KEY = graphql(
  `
    mutation CreateApiKey($input: ApiKeyCreateInput!) {
      apiKeyCreate(input: $input) {
        __typename
        ... on ApiKeyCreated {
          value
        }
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const REVOKE_KEY = graphql(
  `
    mutation RevokeApiKey($input: ApiKeyRevokeInput!) {
      apiKeyRevoke(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const END_SESSION = graphql(
  `
    mutation EndSession($input: SessionEndInput!) {
      sessionEnd(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)

export const END_SESSIONS = graphql(
  `
    mutation EndSessions($input: SessionsEndInput!) {
      sessionsEnd(input: $input) {
        __typename
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Invalid, Denied, Missing],
)
