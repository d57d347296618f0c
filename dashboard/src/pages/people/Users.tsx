/** Everybody who may sign in. */
import { Badge, Button, Group, Menu, Stack, Table, TextInput, VisuallyHidden } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconDots, IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useViewer } from '../../app/Viewer'
import { ShownOnce } from '../../shared/ask/ShownOnce'
import { Empty } from '../../shared/Empty'
import { ago, day, instant } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { MorePages } from '../../shared/MorePages'
import { usePages } from '../../shared/pages'
import { USERS, type User } from './queries'
import { NewUser, UserDialog, type Deed } from './UserDialogs'

const TYPING_MS = 200

export function Users() {
  const viewer = useViewer()
  const [search, setSearch] = useState('')
  const [asked] = useDebouncedValue(search.trim(), TYPING_MS)
  const [adding, setAdding] = useState(false)
  const [doing, setDoing] = useState<{ deed: Deed; user: User }>()
  const [password, setPassword] = useState<{ of: string; value: string }>()
  const pages = usePages({ query: USERS, variables: { search: asked || null } }, ({ users }) => users)
  const mayWrite = viewer.may('user:write')

  function done(): void {
    setAdding(false)
    setDoing(undefined)
    pages.answer[1]({ requestPolicy: 'network-only' })
  }

  return (
    <Stack>
      <Group>
        <TextInput
          type="search"
          aria-label="Search users"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {mayWrite && (
          <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
            New user
          </Button>
        )}
      </Group>
      <Loaded of={pages.answer}>
        {() =>
          pages.nodes.length === 0 ? (
            <Empty title="Nobody matches" hint="Search for another part of the e-mail or the name." />
          ) : (
            <>
              <UserTable
                users={pages.nodes}
                mayWrite={mayWrite}
                self={viewer.email}
                onDo={(deed, user) => setDoing({ deed, user })}
              />
              <MorePages of={pages} what="users" />
            </>
          )
        }
      </Loaded>
      {adding && (
        <NewUser
          onClose={() => setAdding(false)}
          onDone={(email, made) => {
            done()
            if (made) setPassword({ of: email, value: made })
          }}
        />
      )}
      {doing && (
        <UserDialog
          {...doing}
          onClose={() => setDoing(undefined)}
          onDone={(made) => {
            if (made) setPassword({ of: doing.user.email, value: made })
            done()
          }}
        />
      )}
      {password && (
        <ShownOnce
          title={`The password of ${password.of}`}
          value={password.value}
          hint="Give it to them on a way that nobody reads. They can change it in their profile."
          onClose={() => setPassword(undefined)}
        />
      )}
    </Stack>
  )
}

interface TableProps {
  users: readonly User[]
  mayWrite: boolean
  /** The viewer’s own e-mail: nobody disables or deletes themselves by mistake. */
  self: string
  onDo: (deed: Deed, user: User) => void
}

function UserTable({ users, mayWrite, self, onDo }: TableProps) {
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {['E-mail', 'Name', 'Role', 'Projects', 'Since', 'State'].map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {users.map((user) => (
            <Table.Tr key={user.id}>
              <Table.Td>{user.email}</Table.Td>
              <Table.Td>{user.name}</Table.Td>
              <Table.Td>{user.role}</Table.Td>
              <Table.Td>
                {user.memberships.map(({ projectSlug, role }) => `${projectSlug} (${role})`).join(', ')}
              </Table.Td>
              <Table.Td title={instant(user.createdAt)}>{day(user.createdAt)}</Table.Td>
              <Table.Td>
                {user.disabledAt ? (
                  <Badge variant="default">{`disabled ${ago(user.disabledAt)}`}</Badge>
                ) : (
                  <Badge color="green">active</Badge>
                )}
              </Table.Td>
              <Table.Td ta="right">{mayWrite && <Deeds user={user} own={user.email === self} onDo={onDo} />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Deeds({ user, own, onDo }: { user: User; own: boolean; onDo: TableProps['onDo'] }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="subtle" aria-label={`What can be done with ${user.email}`}>
          <IconDots size={16} aria-hidden />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onDo('edit', user)}>Name and role</Menu.Item>
        <Menu.Item onClick={() => onDo('password', user)}>Reset the password</Menu.Item>
        <Menu.Item onClick={() => onDo('keys', user)}>Revoke all API keys</Menu.Item>
        {!own && (
          <>
            <Menu.Item onClick={() => onDo(user.disabledAt ? 'enable' : 'disable', user)}>
              {user.disabledAt ? 'Enable' : 'Disable'}
            </Menu.Item>
            <Menu.Item color="red" onClick={() => onDo('delete', user)}>
              Delete
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
