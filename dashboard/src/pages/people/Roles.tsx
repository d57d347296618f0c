/** Roles: the built-in ones, and those of roles.yaml. */
import { Badge, Button, Group, Stack, Table, Text, VisuallyHidden } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useViewer } from '../../app/Viewer'
import { Problems, useChange } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { SetBy } from '../../shared/history/SetBy'
import { Loaded } from '../../shared/Loaded'
import { DELETE_ROLE, ROLES, type Role } from './queries'
import { RoleForm } from './RoleForm'

export function Roles() {
  const viewer = useViewer()
  const answer = useConfiguration({ query: ROLES })
  const { change } = useChange()
  const [editing, setEditing] = useState<Role | 'new'>()
  const [refused, setRefused] = useState<string>()
  const mayWrite = viewer.may('user:write')

  async function remove(role: Role): Promise<void> {
    const made = await change({
      title: `Delete the role “${role.name}”`,
      mutation: DELETE_ROLE,
      input: { name: role.name },
      readAt: role.revision ?? '',
      action: 'Delete',
      danger: true,
      warning: 'Whoever has it keeps its name, which then grants nothing.',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
  }

  return (
    <Loaded of={answer}>
      {({ roles, revision }) => (
        <Stack>
          <Problems message={refused} />
          {mayWrite && (
            <Group>
              <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEditing('new')}>
                New role
              </Button>
            </Group>
          )}
          <Table.ScrollContainer minWidth={720}>
            <Table verticalSpacing="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Role</Table.Th>
                  <Table.Th>Grants everywhere</Table.Th>
                  <Table.Th>Grants in a project</Table.Th>
                  <Table.Th>
                    <VisuallyHidden>What can be done</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {roles.map((role) => (
                  <Table.Tr key={role.name}>
                    <Table.Td>
                      <Group gap="xs" wrap="nowrap">
                        <Text size="sm" fw={500}>
                          {role.name}
                        </Text>
                        {role.builtIn ? (
                          <Badge size="xs" variant="default">
                            built in
                          </Badge>
                        ) : (
                          <SetBy path="roles.yaml" field={`roles.${role.name}`} label={role.name} />
                        )}
                      </Group>
                      <Text size="xs" c="dimmed">
                        {role.description}
                      </Text>
                    </Table.Td>
                    <Table.Td>{permissions(role.globalPermissions)}</Table.Td>
                    <Table.Td>{permissions(role.projectPermissions)}</Table.Td>
                    <Table.Td ta="right">
                      {mayWrite && !role.builtIn && (
                        <Group gap={4} justify="flex-end" wrap="nowrap">
                          <Button variant="subtle" onClick={() => setEditing(role)} aria-label={`Edit ${role.name}`}>
                            Edit
                          </Button>
                          <Button
                            variant="subtle"
                            color="red"
                            onClick={() => void remove(role)}
                            aria-label={`Delete ${role.name}`}
                          >
                            Delete
                          </Button>
                        </Group>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
          {editing && revision && (
            <RoleForm
              {...(editing !== 'new' && { role: editing })}
              readAt={revision.commit}
              onClose={() => setEditing(undefined)}
            />
          )}
        </Stack>
      )}
    </Loaded>
  )
}

function permissions(granted: string[] | null) {
  if (!granted)
    return (
      <Text size="xs" c="dimmed">
        cannot be given there
      </Text>
    )
  return (
    <Group gap={4}>
      {granted.map((permission) => (
        <Badge key={permission} size="xs" variant="default" tt="none">
          {permission}
        </Badge>
      ))}
    </Group>
  )
}
