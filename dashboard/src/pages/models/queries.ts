/** Models: what requests are routed to. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

const MODEL = graphql(`
  fragment ModelFields on Model {
    modelId
    providerId
    upstreamName
    prices {
      input
      output
      cachedInput
      cacheWrite5m
      cacheWrite1h
      reasoning
      audioInput
      audioOutput
      tiers {
        aboveInputTokens
        input
        output
        cachedInput
        cacheWrite5m
        cacheWrite1h
        reasoning
        audioInput
        audioOutput
      }
    }
    unpriced
    contextWindow
    maxOutputTokens
    capabilities {
      chat
      embeddings
      vision
      functionCalling
      json
      thinking
      audio
    }
    limits {
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
    enabled
    simulation
    revision
    usedBy
  }
`)

export const MODELS = graphql(
  `
    query Models($search: String, $provider: String, $after: String) {
      models(first: 100, search: $search, provider: $provider, after: $after) {
        nodes {
          ...ModelFields
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
  [MODEL],
)

export const ONE_MODEL = graphql(
  `
    query OneModel($id: String!) {
      model(id: $id) {
        ...ModelFields
      }
    }
  `,
  [MODEL],
)

export const PRESETS = graphql(`
  query ModelPresets($provider: String!, $search: String) {
    modelPresets(provider: $provider, search: $search, first: 50) {
      upstreamName
      name
      contextWindow
      deprecated
      prices {
        input
        output
      }
    }
  }
`)

export const CREATE = graphql(
  `
    mutation CreateModel($input: ModelCreateInput!) {
      modelCreate(input: $input) {
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
    mutation UpdateModel($input: ModelUpdateInput!) {
      modelUpdate(input: $input) {
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

export const CLONE = graphql(
  `
    mutation CloneModel($input: ModelCloneInput!) {
      modelClone(input: $input) {
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
    mutation DeleteModel($input: ModelDeleteInput!) {
      modelDelete(input: $input) {
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

export type Model = ResultOf<typeof MODEL>
export type ModelPreset = ResultOf<typeof PRESETS>['modelPresets'][number]
