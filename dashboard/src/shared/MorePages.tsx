/** Under a list: how much of it is shown, and a way to more. */
import { Alert, Button, Group, Text } from '@mantine/core'
import { count } from './formats'
import type { Pages } from './pages'

interface Props {
  of: Pick<Pages<unknown, unknown, Record<string, unknown>>, 'nodes' | 'total' | 'more' | 'waiting' | 'problem'>
  /** What the rows are, in the plural: "tokens". */
  what: string
}

/** "50 of 120 tokens", "120 tokens", "1 token". */
function said(shown: number, total: number | undefined, what: string): string {
  if (total !== undefined && shown < total) return `${count(shown)} of ${count(total)} ${what}`
  return `${count(shown)} ${shown === 1 ? what.replace(/s$/, '') : what}`
}

export function MorePages({ of: { nodes, total, more, waiting, problem }, what }: Props) {
  if (nodes.length === 0) return null
  return (
    <>
      {problem && (
        <Alert color="yellow" role="alert" mt="sm" title="Not all of it came">
          {problem}
        </Alert>
      )}
      <Group justify="space-between" mt="sm">
        <Text size="xs" c="dimmed" role="status">
          {said(nodes.length, total, what)}
        </Text>
        {more && (
          <Button variant="default" onClick={more} loading={waiting}>
            Show more
          </Button>
        )}
      </Group>
    </>
  )
}
