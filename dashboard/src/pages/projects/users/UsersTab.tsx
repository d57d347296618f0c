/** Who sees and manages the project: dashboard users, each with a role in it. */
import { ActionIcon, Group, Select, Stack, Table, Tooltip } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { useQuery } from 'urql'
import { useViewer } from '../../../app/Viewer'
import { Problems, useChange } from '../../../shared/change'
import { Empty } from '../../../shared/Empty'
import { SetBy } from '../../../shared/history/SetBy'
import { Loaded } from '../../../shared/Loaded'
import type { TabProps } from '../ProjectPage'
import { AddMember } from './AddMember'
import { MEMBER_REMOVE, MEMBER_SET, ROLES } from './queries'

export default function UsersTab({ project }: TabProps) {
  const viewer = useViewer()
  const { change } = useChange()
  const [refused, setRefused] = useState<string>()
  const roles = useQuery({ query: ROLES })
  const locked = !viewer.may('member:write', project.slug)
  const at = { readAt: project.revision ?? '' }

  async function set(user: string, role: string): Promise<boolean> {
    const input = { project: project.slug, user, role }
    const made = await change({
      title: `Make ${user} ${role} of “${project.name}”`,
      mutation: MEMBER_SET,
      input,
      ...at,
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
    return made.kind === 'done'
  }

  async function remove(user: string): Promise<void> {
    const made = await change({
      title: `Remove ${user} from “${project.name}”`,
      action: 'Remove',
      danger: true,
      mutation: MEMBER_REMOVE,
      input: { project: project.slug, user },
      ...at,
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
  }

  return (
    <Loaded of={roles}>
      {({ roles: known }) => {
        const names = known.filter(({ projectPermissions }) => projectPermissions !== null).map(({ name }) => name)
        return (
          <Stack>
            {!locked && <AddMember members={project.members.map(({ user }) => user)} roles={names} onAdd={set} />}
            <Problems message={refused} />
            {project.members.length === 0 ? (
              <Empty
                title="No member yet"
                hint="Users with a global role see the project all the same. Add a member to give somebody a role in this project alone."
              />
            ) : (
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>User</Table.Th>
                    <Table.Th>Role in the project</Table.Th>
                    <Table.Th>Actions</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {project.members.map(({ user, role }) => (
                    <Table.Tr key={user}>
                      <Table.Td>{user}</Table.Td>
                      <Table.Td>
                        <Select
                          aria-label={`Role of ${user}`}
                          data={names}
                          value={role}
                          disabled={locked}
                          allowDeselect={false}
                          maw={200}
                          onChange={(chosen) => chosen && chosen !== role && void set(user, chosen)}
                        />
                      </Table.Td>
                      <Table.Td>
                        <Group gap={4}>
                          <SetBy path={`projects/${project.slug}/project.yaml`} field="members" label={user} />
                          <Tooltip label={`Remove ${user}`}>
                            <ActionIcon
                              color="red"
                              aria-label={`Remove ${user}`}
                              disabled={locked}
                              onClick={() => void remove(user)}
                            >
                              <IconTrash size={14} aria-hidden />
                            </ActionIcon>
                          </Tooltip>
                        </Group>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </Stack>
        )
      }}
    </Loaded>
  )
}
