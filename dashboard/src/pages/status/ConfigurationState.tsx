/** The published revision, why a newer one is refused, and files that are not in use. */
import { Alert, Anchor, Code, List, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { ago, shortRevision } from '../../shared/formats'
import type { Configuration } from './queries'

export function ConfigurationState({ state }: { state: Configuration }) {
  const { revision, refused, degraded, head } = state
  return (
    <Stack>
      {revision ? (
        <Text size="sm">
          Revision <Revision commit={revision.commit} /> is published
          {revision.author && `, by ${revision.author.name}`}
          {revision.committedAt && ` ${ago(revision.committedAt)}`}
          {revision.reason && `: ${revision.reason}`}
        </Text>
      ) : (
        <Text size="sm">
          Nothing is published yet: push a configuration, or make a provider, a model and a project here.
        </Text>
      )}
      {refused.length > 0 && (
        <Alert
          color="red"
          role="alert"
          title={`The newest revision ${head ? shortRevision(head) : ''} is not published`}
        >
          The one before goes on running. What is wrong:
          <List size="sm" mt="xs">
            {refused.map((problem, number) => (
              <List.Item key={number}>
                {problem.file && <Code>{problem.line ? `${problem.file}:${problem.line}` : problem.file}</Code>}{' '}
                {problem.field && <strong>{problem.field}: </strong>}
                {problem.reason}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      {degraded.length > 0 && (
        <Alert color="yellow" role="alert" title="Files that are not in use">
          A wrong project keeps its last good version; a wrong token is disabled.
          <List size="sm" mt="xs">
            {degraded.map(({ path, reason }) => (
              <List.Item key={path}>
                <Code>{path}</Code> {reason}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      {revision && refused.length === 0 && degraded.length === 0 && (
        <Text size="sm" c="dimmed">
          Every file of it is in use.
        </Text>
      )}
    </Stack>
  )
}

export function Revision({ commit }: { commit: string }) {
  return (
    <Anchor component={Link} to={`/changes/${commit}`} inherit underline="always" ff="monospace" title={commit}>
      {shortRevision(commit)}
    </Anchor>
  )
}
