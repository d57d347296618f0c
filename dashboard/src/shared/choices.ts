/** What selects choose from: all projects, models, providers, tokens that the person may see, however many there are. */
import { graphql, type ResultOf } from '../api/graphql'
import { usePages } from './pages'

/** How many options a select draws at once; typing finds the others. */
export const OPTIONS_DRAWN = 200

const PROJECTS = graphql(`
  query ProjectChoices($after: String) {
    projects(first: 200, after: $after) {
      nodes {
        slug
        name
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export const useProjectChoices = () =>
  usePages({ query: PROJECTS, variables: {} }, ({ projects }) => projects, true).nodes

const MODELS = graphql(`
  query ModelChoices($after: String) {
    models(first: 200, after: $after) {
      nodes {
        modelId
        providerId
        enabled
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

export type KnownModel = ResultOf<typeof MODELS>['models']['nodes'][number]

export const useModelChoices = () => usePages({ query: MODELS, variables: {} }, ({ models }) => models, true).nodes

const PROVIDERS = graphql(`
  query ProviderChoices($after: String) {
    providers(first: 200, after: $after) {
      nodes {
        providerId
        kind
        enabled
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`)

/** Undefined until they have come. */
export function useProviderChoices() {
  const { answer, nodes } = usePages({ query: PROVIDERS, variables: {} }, ({ providers }) => providers, true)
  return answer[0].data ? nodes : undefined
}

const TOKENS = graphql(`
  query TokenChoices($slug: String!, $after: String) {
    project(slug: $slug) {
      tokens(first: 200, after: $after) {
        nodes {
          token
          name
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

/** Of one project; none while there is no project. */
export const useTokenChoices = (slug: string | undefined) =>
  usePages(
    { query: TOKENS, variables: { slug: slug ?? '' }, pause: slug === undefined },
    ({ project }) => project?.tokens,
    true,
  ).nodes
