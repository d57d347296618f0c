/** How the files of a change differ: some at once, and of a large change more when asked for. */
import { Button, Group, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useQuery } from 'urql'
import { Diff, type FileDiff } from '../../shared/change'
import { count } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { DIFFERENCES } from './queries'

const MORE_AT_ONCE = 100

interface Props {
  commit: string
  /** All that it changed, in the order of `first`. */
  changedFiles: readonly string[]
  /** The first of them: as many as the API answers at once. */
  first: readonly FileDiff[]
}

export function Differences({ commit, changedFiles, first }: Props) {
  const [shown, setShown] = useState(first.length)
  const begun = Math.max(shown, first.length)
  const rest = changedFiles.slice(first.length, begun)
  const all = changedFiles.length
  return (
    <Stack>
      {begun < all && (
        <Text size="sm" role="status">
          The first {count(begun)} of {count(all)} files
        </Text>
      )}
      <Diff files={first} />
      {rest.map((_, place) =>
        place % MORE_AT_ONCE ? null : (
          <Some key={place} commit={commit} paths={rest.slice(place, place + MORE_AT_ONCE)} />
        ),
      )}
      {begun < all && (
        <Group>
          <Button variant="default" onClick={() => setShown(Math.min(all, begun + MORE_AT_ONCE))}>
            Show {count(Math.min(MORE_AT_ONCE, all - begun))} more
          </Button>
          <Text size="xs" c="dimmed">
            {count(all - begun)} files are not shown yet
          </Text>
        </Group>
      )}
    </Stack>
  )
}

function Some({ commit, paths }: { commit: string; paths: string[] }) {
  const answer = useQuery({ query: DIFFERENCES, variables: { id: commit, paths }, requestPolicy: 'cache-first' })
  return <Loaded of={answer}>{({ revision }) => <Diff files={revision?.diff ?? []} />}</Loaded>
}
