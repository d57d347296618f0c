/** A custom role: what it is called and what it grants. */
import { Button, Checkbox, Group, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { useViewer } from '../../app/Viewer'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { Dialog } from '../../shared/Dialog'
import { CREATE_ROLE, UPDATE_ROLE, type Role } from './queries'

/** All permissions with what they allow, as product and API know them. */
const PERMISSIONS: [permission: string, words: string][] = [
  ['project:read', 'see projects'],
  ['project:write', 'make and change projects'],
  ['model:read', 'see models and providers'],
  ['model:write', 'change models and providers'],
  ['user:read', 'see users and the audit log'],
  ['user:write', 'change users and roles'],
  ['token:write', 'make and revoke tokens'],
  ['member:write', 'change members'],
  ['limit:write', 'change limits'],
  ['settings:write', 'change the settings'],
  ['report:read', 'see requests and usage'],
  ['content:read', 'see content of messages'],
]

interface Props {
  /** The role to change; a new one when left out. */
  role?: Role
  readAt: string
  onClose: () => void
}

export function RoleForm({ role, readAt, onClose }: Props) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  const [name, setName] = useState(role?.name ?? '')
  const [description, setDescription] = useState(role?.description ?? '')
  const [granted, setGranted] = useState(role?.globalPermissions ?? role?.projectPermissions ?? [])
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const input = { name: name.trim(), description: description.trim(), permissions: granted }
    const made = role
      ? await change({
          title: `Change the role “${name}”`,
          mutation: UPDATE_ROLE,
          input,
          readAt: role.revision ?? readAt,
        })
      : await change({ title: `New role “${name}”`, mutation: CREATE_ROLE, input, readAt })
    setOutcome(made)
    if (made.kind === 'done' || made.kind === 'theirs') onClose()
  }

  return (
    <Dialog
      onClose={onClose}
      title={role ? `The role “${role.name}”` : 'New role'}
      size="lg"
      closeOnClickOutside={false}
    >
      <form onSubmit={submit}>
        <Stack>
          <Problems
            message={outcome?.kind === 'refused' ? outcome.message : undefined}
            problems={problemsElsewhere(problems, 'name', 'permissions')}
          />
          {!role && (
            <TextInput
              label="Name"
              description="Lower-case letters, digits and single hyphens."
              required
              data-autofocus
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={problemAt(problems, 'name', 'roles')}
            />
          )}
          <TextInput
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Checkbox.Group
            label="Grants"
            description="Nobody grants what they lack."
            value={granted}
            onChange={setGranted}
            error={problemAt(problems, 'permissions')}
          >
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs" mt="xs">
              {PERMISSIONS.map(([permission, words]) => (
                <Checkbox
                  key={permission}
                  value={permission}
                  label={permission}
                  description={words}
                  disabled={!viewer.may(permission)}
                />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!name.trim()} loading={checking}>
              Review
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
