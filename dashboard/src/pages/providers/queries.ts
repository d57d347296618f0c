/** Providers: accounts at those who run models. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

const PROVIDER = graphql(`
  fragment ProviderFields on Provider {
    providerId
    kind
    preset
    baseUrl
    address
    origin
    credential {
      source
      name
      origin
    }
    enabled
    projectSlug
    headers {
      name
      value
    }
    maxConnections
    simulation
    revision
    modelCount
  }
`)

export const PROVIDERS = graphql(
  `
    query Providers($search: String, $after: String) {
      providers(first: 100, search: $search, after: $after) {
        nodes {
          ...ProviderFields
        }
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
      }
      revision {
        commit
      }
    }
  `,
  [PROVIDER],
)

export const ONE_PROVIDER = graphql(
  `
    query OneProvider($id: String!) {
      provider(id: $id) {
        ...ProviderFields
        models {
          modelId
          enabled
        }
      }
    }
  `,
  [PROVIDER],
)

export const PRESETS = graphql(`
  query ProviderPresets {
    providerPresets {
      presetId
      name
      kind
      baseUrl
      needsKey
    }
  }
`)

export const CREATE = graphql(
  `
    mutation CreateProvider($input: ProviderCreateInput!) {
      providerCreate(input: $input) {
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

export const UPDATE = graphql(
  `
    mutation UpdateProvider($input: ProviderUpdateInput!) {
      providerUpdate(input: $input) {
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

export const SET_KEY = graphql(
  `
    mutation SetProviderKey($input: ProviderKeySetInput!) {
      providerKeySet(input: $input) {
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
    mutation DeleteProvider($input: ProviderDeleteInput!) {
      providerDelete(input: $input) {
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

export type Provider = ResultOf<typeof PROVIDER>
export type Preset = ResultOf<typeof PRESETS>['providerPresets'][number]
