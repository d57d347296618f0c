/** One's open sessions, and how to end them. */
import { Alert, Badge, Button, Group, Stack, Table, VisuallyHidden } from '@mantine/core'
import { useState } from 'react'
import { useMutation } from 'urql'
import { signedOut } from '../../api/session'
import { refusal, type Refusal } from '../../shared/ask/refusals'
import { ago, instant } from '../../shared/formats'
import { END_SESSION, END_SESSIONS, type Session } from './queries'

export function Sessions({ sessions, onChanged }: { sessions: Session[]; onChanged: () => void }) {
  const [why, setWhy] = useState<Refusal>()
  const [, end] = useMutation(END_SESSION)
  const [ending, endAll] = useMutation(END_SESSIONS)
  const others = sessions.filter((session) => !session.current).length

  async function endOne(session: Session): Promise<void> {
    const { data, error } = await end({ input: { id: session.id, reason: 'Ended in the profile' } })
    const refused = refusal(data?.sessionEnd, error)
    setWhy(refused)
    if (!refused && session.current) signedOut()
    else onChanged()
  }

  async function endOthers(): Promise<void> {
    const { data, error } = await endAll({ input: { keepCurrent: true, reason: 'Ended in the profile' } })
    setWhy(refusal(data?.sessionsEnd, error))
    onChanged()
  }

  return (
    <Stack>
      {why && (
        <Alert color="red" role="alert">
          {why.message}
        </Alert>
      )}
      <Table.ScrollContainer minWidth={640}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              {['With', 'From', 'Signed in', 'Last seen', 'Ends'].map((head) => (
                <Table.Th key={head}>{head}</Table.Th>
              ))}
              <Table.Th>
                <VisuallyHidden>What can be done</VisuallyHidden>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sessions.map((session) => (
              <Table.Tr key={session.id}>
                <Table.Td title={session.agent}>
                  {browser(session.agent)} {session.current && <Badge size="xs">this one</Badge>}
                </Table.Td>
                <Table.Td>{session.client}</Table.Td>
                <Table.Td title={instant(session.createdAt)}>{ago(session.createdAt)}</Table.Td>
                <Table.Td title={instant(session.lastSeenAt)}>{ago(session.lastSeenAt)}</Table.Td>
                <Table.Td title={instant(session.expiresAt)}>{ago(session.expiresAt)}</Table.Td>
                <Table.Td ta="right">
                  <Button variant="subtle" color="red" onClick={() => void endOne(session)}>
                    {session.current ? 'Sign out' : 'End'}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Group>
        <Button variant="default" disabled={others === 0} loading={ending.fetching} onClick={() => void endOthers()}>
          End all other sessions
        </Button>
      </Group>
    </Stack>
  )
}

const KNOWN: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chromium'],
  [/Safari\//, 'Safari'],
]

/** The browser as people call it; programs say what they are. */
const browser = (agent: string): string =>
  KNOWN.find(([pattern]) => pattern.test(agent))?.[1] ?? (agent.split('/')[0] || 'unknown')
