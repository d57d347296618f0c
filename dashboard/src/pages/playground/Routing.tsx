/** What a model's name counts for in the project, said before anything is sent: its routing decides which model answers. */
import { Alert, Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { graphql, type ResultOf } from '../../api/graphql'

const ROUTING = graphql(`
  query PlaygroundRouting($slug: String!) {
    project(slug: $slug) {
      slug
      name
      routing {
        models {
          modelId
        }
        policies {
          kind
          enabled
        }
      }
    }
  }
`)

export type Routed = NonNullable<ResultOf<typeof ROUTING>['project']>
export const PREFERENCE = 'model-preference'

/** The project's routing; null while nobody said which project, and where it may not be seen. */
export function useRouting(slug: string | null): Routed | null {
  const [{ data }] = useQuery({ query: ROUTING, variables: { slug: slug ?? '' }, pause: !slug })
  return data?.project?.slug === slug ? data.project : null
}

/** Whether the routing takes into account which model a request names. */
export const countsNames = ({ routing }: Routed): boolean =>
  routing.policies.some(({ kind, enabled }) => enabled && kind === PREFERENCE)

interface Props {
  routed: Routed | null
  /** The models that are named. */
  named: readonly string[]
}

export function RoutingNotice({ routed, named }: Props) {
  if (!routed) {
    return (
      <Alert variant="light" color="gray" role="status">
        <Text size="sm">
          The routing of the token’s project decides which model answers. Choose the project above: then this page says
          whether the names of models count there.
        </Text>
      </Alert>
    )
  }
  const { slug, name, routing } = routed
  const toRouting = (words: string) => (
    <Anchor component={Link} to={`/projects/${slug}/routing`} inherit c="inherit" underline="always">
      {words}
    </Anchor>
  )
  const foreign = named.filter((model) => !routing.models.some(({ modelId }) => modelId === model))
  if (!countsNames(routed)) {
    return (
      <Alert color="yellow" role="status" title={`${name} does not count which model is named`}>
        <Text size="sm">
          Its policies alone decide, so each conversation may get the same model. {toRouting(`Add ${PREFERENCE}`)} to
          its policies, or compare with the token of a project that has it.
        </Text>
      </Alert>
    )
  }
  return (
    <Text size="sm" c="dimmed" role="status">
      {foreign.length > 0
        ? `${foreign.join(' and ')}: not among the models of ${name}, so the name does not count. `
        : `${name} counts which model is named, beside its other policies. `}
      {toRouting('Its routing')}
    </Text>
  )
}
