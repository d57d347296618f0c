/** What people did, or tried to do, that is in no commit. */
import { Badge, Button, Code, Group, Select, Stack, Table, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import { useQuery } from 'urql'
import type { Json } from '../../api/graphql'
import { Empty } from '../../shared/Empty'
import { clock } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { AUDIT, USERS } from './queries'

const OUTCOMES = {
  OK: ['done', 'green'],
  REFUSED: ['refused', 'yellow'],
  DENIED: ['denied', 'red'],
} as const
type Outcome = keyof typeof OUTCOMES
const TYPING_MS = 300

export function AuditLog() {
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const [typed, setTyped] = useState('')
  const [action] = useDebouncedValue(typed.trim(), TYPING_MS)
  const [pages, setPages] = useState<string[]>([])
  const filter = useMemo(() => ({ ...(outcome && { outcome }), ...(action && { action }) }), [outcome, action])
  const names = useNames()
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput
          label="What"
          type="search"
          placeholder="login"
          description="Exactly: login, apiKey, userCreate, …"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            setPages([])
          }}
        />
        <Select
          label="What came of it"
          placeholder="Anything"
          clearable
          value={outcome}
          onChange={(value) => {
            setOutcome(value as Outcome | null)
            setPages([])
          }}
          data={Object.entries(OUTCOMES).map(([value, [label]]) => ({ value, label }))}
        />
      </Group>
      <Table.ScrollContainer minWidth={860}>
        <Table aria-label="Audit log">
          <Table.Thead>
            <Table.Tr>
              {['When', 'Who', 'What', 'Outcome', 'On', 'From', 'More'].map((head) => (
                <Table.Th key={head}>{head}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          {[null, ...pages].map((after, place, all) => (
            <Page
              key={JSON.stringify([filter, after])}
              filter={filter}
              after={after}
              names={names}
              {...(place === all.length - 1 && { onMore: (next: string) => setPages([...pages, next]) })}
            />
          ))}
        </Table>
      </Table.ScrollContainer>
    </Stack>
  )
}

function useNames(): ReadonlyMap<string, string> {
  const [{ data }] = useQuery({ query: USERS, variables: { search: null } })
  return useMemo(() => new Map(data?.users.nodes.map(({ id, email }) => [id, email])), [data])
}

interface PageProps {
  filter: { outcome?: Outcome; action?: string }
  after: string | null
  names: ReadonlyMap<string, string>
  onMore?: (after: string) => void
}

function Page({ filter, after, names, onMore }: PageProps) {
  const answer = useQuery({ query: AUDIT, variables: { filter, after } })
  const page = answer[0].data?.auditLog
  if (!page?.nodes.length) {
    return (
      <Table.Tbody>
        <Table.Tr>
          <Table.Td colSpan={7}>
            <Loaded of={answer}>
              {() => <Empty title="Nothing here" hint="Nothing of the kind was done, or it is no longer kept." />}
            </Loaded>
          </Table.Td>
        </Table.Tr>
      </Table.Tbody>
    )
  }
  return (
    <Table.Tbody>
      {page.nodes.map((entry) => (
        <Table.Tr key={entry.cursor}>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>{clock(entry.at)}</Table.Td>
          <Table.Td>{entry.userId ? (names.get(entry.userId) ?? 'a former user') : 'nobody known'}</Table.Td>
          <Table.Td>
            <Code>{entry.action}</Code>
          </Table.Td>
          <Table.Td>
            <Badge size="sm" variant="dot" color={OUTCOMES[entry.outcome][1]}>
              {OUTCOMES[entry.outcome][0]}
            </Badge>
          </Table.Td>
          <Table.Td>{entry.subject}</Table.Td>
          <Table.Td>{entry.client}</Table.Td>
          <Table.Td>{more(entry.detail)}</Table.Td>
        </Table.Tr>
      ))}
      {onMore && page.pageInfo.hasNextPage && (
        <Table.Tr>
          <Table.Td colSpan={7} ta="center">
            <Button variant="default" onClick={() => onMore(page.pageInfo.endCursor ?? '')}>
              Older
            </Button>
          </Table.Td>
        </Table.Tr>
      )}
    </Table.Tbody>
  )
}

/** The details that say something to a person. */
function more(detail: Json): string {
  if (detail === null || typeof detail !== 'object' || Array.isArray(detail)) return ''
  return Object.entries(detail)
    .filter(([name, value]) => name !== 'requestId' && value !== null && value !== '')
    .map(([name, value]) => (name === 'reason' ? words(value) : `${name} ${words(value)}`))
    .join(' · ')
}

const words = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))
