/** Who set a field of a file, when and why: line by line. */
import { Alert, Anchor, Button, Code, Group, Stack, Table, Text, TextInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { inWords } from '../../api/client'
import { ago, instant } from '../../shared/formats'
import { Waiting } from '../../shared/Waiting'
import { BLAME } from './queries'

export function BlameSearch() {
  const [path, setPath] = useState('')
  const [field, setField] = useState('')
  const [asked, setAsked] = useState<{ path: string; field: string }>()

  function submit(event: SubmitEvent): void {
    event.preventDefault()
    setAsked({ path: path.trim(), field: field.trim() })
  }

  return (
    <Stack>
      <form onSubmit={submit}>
        <Group align="flex-end" wrap="nowrap">
          <TextInput
            label="File"
            placeholder="projects/demo/project.yaml"
            required
            value={path}
            onChange={(event) => setPath(event.currentTarget.value)}
            style={{ flex: 1 }}
          />
          <TextInput
            label="Field"
            placeholder="limits.rules[0].value"
            required
            value={field}
            onChange={(event) => setField(event.currentTarget.value)}
            style={{ flex: 1 }}
          />
          <Button type="submit">Who was it?</Button>
        </Group>
      </form>
      {asked && <Answer {...asked} />}
    </Stack>
  )
}

function Answer({ path, field }: { path: string; field: string }) {
  const [{ data, error, fetching }] = useQuery({ query: BLAME, variables: { path, field } })
  if (error)
    return (
      <Alert color="red" role="alert">
        {inWords(error)}
      </Alert>
    )
  if (fetching || !data) return <Waiting what="Walking through the history…" />
  if (!data.blame) return <Text size="sm">The file has no such field now, or you may not see it.</Text>
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Line</Table.Th>
          <Table.Th>Set by</Table.Th>
          <Table.Th>When</Table.Th>
          <Table.Th>Why</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {data.blame.lines.map(({ line, text, revision }) => (
          <Table.Tr key={line}>
            <Table.Td>
              <Code>{`${line} ${text}`}</Code>
            </Table.Td>
            <Table.Td>{revision.author?.name ?? 'somebody'}</Table.Td>
            <Table.Td title={revision.committedAt ? instant(revision.committedAt) : undefined}>
              {revision.committedAt && ago(revision.committedAt)}
            </Table.Td>
            <Table.Td>
              <Anchor component={Link} to={`/changes/${revision.commit}`} inherit>
                {revision.reason ?? 'elsewhere'}
              </Anchor>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
