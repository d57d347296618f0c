/** Beside a setting: who set it, when and why. Asked for when somebody wants to know, as history is walked for it. */
import { ActionIcon, Anchor, Popover, Stack, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { inWords } from '../../api/client'
import { graphql } from '../../api/graphql'
import { ago, instant } from '../formats'
import { Waiting } from '../Waiting'

const SET_BY = graphql(`
  query SetBy($path: String!, $field: String!) {
    blame(path: $path, field: $field) {
      revision {
        commit
        committedAt
        reason
        author {
          name
        }
      }
    }
  }
`)

interface Props {
  /** The file, such as `waybill.yaml`. */
  path: string
  /** The field as the file names it, such as `timeouts.timeout_ms`. */
  field: string
  /** What the setting is called on the page. */
  label: string
}

export function SetBy({ path, field, label }: Props) {
  const [opened, setOpened] = useState(false)
  return (
    <Popover opened={opened} onChange={setOpened} width={300} withArrow shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon
          color="gray"
          onClick={() => setOpened(!opened)}
          aria-label={`Who set “${label}”?`}
          title="Who set it, when and why"
        >
          <IconHistory size={14} stroke={1.6} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={`Who set “${label}”`}>
        {opened && <Answer path={path} field={field} />}
      </Popover.Dropdown>
    </Popover>
  )
}

function Answer({ path, field }: { path: string; field: string }) {
  const [{ data, error, fetching }] = useQuery({ query: SET_BY, variables: { path, field } })
  if (error) return <Text size="sm">{inWords(error)}</Text>
  if (fetching && !data) return <Waiting />
  if (!data?.blame) return <Text size="sm">Not set: Waybill’s own default holds.</Text>
  const { commit, committedAt, reason, author } = data.blame.revision
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {author?.name ?? 'Somebody'}
        {committedAt && (
          <Text span size="xs" c="dimmed" fw={400} title={instant(committedAt)}>
            {` ${ago(committedAt)}`}
          </Text>
        )}
      </Text>
      <Anchor component={Link} to={`/changes/${commit}`} size="sm">
        {reason ?? 'A change elsewhere'}
      </Anchor>
    </Stack>
  )
}
