/** One change: who, when, why, its difference, and how to undo it. */
import { Anchor, Button, Code, Group, Paper, Stack, Text } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { NotFound } from '../../app/NotFound'
import { useViewer } from '../../app/Viewer'
import { Problems, useChange, type Outcome } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { count, instant, shortRevision } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { Differences } from './Differences'
import { CHANGE, REVERT, type RevisionLine } from './queries'
import { mayWrite } from './writing'

export default function ChangePage() {
  const { commit = '' } = useParams()
  const answer = useConfiguration({ query: CHANGE, variables: { id: commit } })
  return (
    <Loaded of={answer}>
      {({ revision, head }) =>
        revision ? (
          <>
            <PageHead
              title={revision.reason?.split('\n')[0] ?? 'A change elsewhere'}
              about={<About revision={revision} />}
            >
              {head && revision.parents.length > 0 && <Revert revision={revision} head={head.commit} />}
            </PageHead>
            <Stack>
              <Words revision={revision} />
              <Differences
                key={revision.commit}
                commit={revision.commit}
                changedFiles={revision.changedFiles}
                first={revision.diff}
              />
              <Trailers revision={revision} />
            </Stack>
          </>
        ) : (
          <NotFound what="revision" />
        )
      }
    </Loaded>
  )
}

function About({ revision }: { revision: RevisionLine & { parents: string[] } }) {
  return (
    <>
      {revision.author && `${revision.author.name} <${revision.author.email}> · `}
      {revision.committedAt && `${instant(revision.committedAt)} · `}
      <Code>{shortRevision(revision.commit)}</Code>
      {revision.changedFiles.length > 1 && ` · ${count(revision.changedFiles.length)} files`}
      {revision.parents.map((parent) => (
        <Anchor key={parent} component={Link} to={`/changes/${parent}`} inherit ml="xs">
          before: {shortRevision(parent)}
        </Anchor>
      ))}
    </>
  )
}

/** The rest of the message. */
function Words({ revision }: { revision: RevisionLine }) {
  const rest = revision.reason?.split('\n').slice(1).join('\n').trim()
  if (!rest) return null
  return (
    <Paper withBorder p="sm">
      <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
        {rest}
      </Text>
    </Paper>
  )
}

/** What was noted under the message: for who follows a change up, not for who reads it. */
function Trailers({ revision }: { revision: RevisionLine }) {
  if (!revision.trailers.length) return null
  return (
    <details>
      <Text component="summary" size="sm">
        What Waybill noted beside it
      </Text>
      {revision.trailers.map(({ key, value }) => (
        <Group key={`${key} ${value}`} gap="xs">
          <Text size="xs" c="dimmed">
            {key}
          </Text>
          <Text size="xs">{value}</Text>
        </Group>
      ))}
    </details>
  )
}

function Revert({ revision, head }: { revision: RevisionLine; head: string }) {
  const viewer = useViewer()
  const navigate = useNavigate()
  const { change, checking } = useChange()
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  if (!revision.changedFiles.every((path) => mayWrite(viewer, path))) return null

  const files = revision.changedFiles.length

  async function revert(): Promise<void> {
    const made = await change({
      title: `Revert “${revision.reason?.split('\n')[0] ?? shortRevision(revision.commit)}”`,
      mutation: REVERT,
      input: { revision: revision.commit },
      readAt: head,
      action: 'Revert',
      warning: `${files === 1 ? 'The file goes' : `Each of the ${count(files)} files goes`} back to what it was before this change. The difference:`,
    })
    setOutcome(made)
    if (made.kind === 'done') void navigate(`/changes/${made.change.revision}`)
  }

  return (
    <Stack gap="xs" align="flex-end">
      <Button
        variant="default"
        leftSection={<IconArrowBackUp size={14} aria-hidden />}
        loading={checking}
        onClick={() => void revert()}
      >
        Revert
      </Button>
      {outcome?.kind === 'invalid' && <Problems message={outcome.message} problems={outcome.problems} />}
      {outcome?.kind === 'refused' && <Problems message={outcome.message} />}
    </Stack>
  )
}
