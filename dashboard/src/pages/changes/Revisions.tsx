/** Revisions in a list: why, who, when, which files. */
import { Anchor, Badge, Box, Code, Group, Text } from '@mantine/core'
import { Link } from 'react-router'
import { ago, instant, shortRevision } from '../../shared/formats'
import type { RevisionLine } from './queries'

const FILES_SHOWN = 3

export function Revisions({ revisions }: { revisions: readonly RevisionLine[] }) {
  return (
    <Box component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
      {revisions.map((revision) => (
        <Line key={revision.commit} revision={revision} />
      ))}
    </Box>
  )
}

function Line({ revision }: { revision: RevisionLine }) {
  const more = revision.changedFiles.length - FILES_SHOWN
  return (
    <Group
      component="li"
      px="md"
      py="xs"
      wrap="nowrap"
      justify="space-between"
      align="flex-start"
      style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}
    >
      <div style={{ minWidth: 0 }}>
        {/* What one may not see has a date and nothing else. */}
        <Anchor component={Link} to={`/changes/${revision.commit}`} size="sm" fw={500}>
          {revision.reason?.split('\n')[0] ?? 'A change elsewhere'}
        </Anchor>{' '}
        {revision.trailers.some(({ key }) => key.toLowerCase().startsWith('revert')) && <Badge size="xs">revert</Badge>}
        <Group gap={6}>
          {revision.changedFiles.slice(0, FILES_SHOWN).map((file) => (
            <Code key={file}>{file}</Code>
          ))}
          {more > 0 && (
            <Text size="xs" c="dimmed">
              and {more} more
            </Text>
          )}
        </Group>
      </div>
      <Box ta="right" style={{ flexShrink: 0 }}>
        <Text size="xs">{revision.author?.name}</Text>
        <Text size="xs" c="dimmed" title={revision.committedAt ? instant(revision.committedAt) : undefined}>
          {revision.committedAt && ago(revision.committedAt)} ·{' '}
          <span className="figures">{shortRevision(revision.commit)}</span>
        </Text>
      </Box>
    </Group>
  )
}
