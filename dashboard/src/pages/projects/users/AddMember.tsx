/** Assigns a user to the project; who may read the list of users chooses from it, others type the e-mail. */
import { Autocomplete, Button, Group, Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState, type SubmitEvent } from 'react'
import { useQuery } from 'urql'
import { useViewer } from '../../../app/Viewer'
import { KNOWN_USERS } from './queries'

interface Props {
  members: readonly string[]
  roles: readonly string[]
  onAdd: (user: string, role: string) => Promise<boolean>
}

const TYPING_MS = 200

export function AddMember({ members, roles, onAdd }: Props) {
  const viewer = useViewer()
  const [user, setUser] = useState('')
  const [search] = useDebouncedValue(user.trim(), TYPING_MS)
  const [{ data }] = useQuery({
    query: KNOWN_USERS,
    variables: { search: search || null },
    pause: !viewer.may('user:read'),
  })
  const [role, setRole] = useState('viewer')
  const others = data?.users.nodes.map(({ email }) => email).filter((email) => !members.includes(email)) ?? []

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (await onAdd(user.trim().toLowerCase(), role)) setUser('')
  }

  return (
    <form onSubmit={submit}>
      <Group align="flex-end">
        <Autocomplete
          label="User"
          placeholder="name@example.org"
          size="xs"
          required
          data={others}
          // The API searched, in names too.
          filter={({ options }) => options}
          value={user}
          onChange={setUser}
          w={260}
        />
        <Select
          label="Role"
          data={[...roles]}
          value={role}
          allowDeselect={false}
          onChange={(chosen) => setRole(chosen ?? role)}
          w={160}
        />
        <Button type="submit" disabled={!user.trim()}>
          Add…
        </Button>
      </Group>
    </form>
  )
}
