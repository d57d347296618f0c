/** What is done with users: each asks why, as the audit log keeps it. */
import { Select, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useMutation, useQuery } from 'urql'
import { AskDialog } from '../../shared/ask/AskDialog'
import { fieldError, refusal, type Refusal } from '../../shared/ask/refusals'
import { CREATE_USER, DELETE_USER, RESET_PASSWORD, REVOKE_KEYS, ROLES, UPDATE_USER, type User } from './queries'

/** The roles that hold everywhere. */
function useRoles(): string[] {
  const [{ data }] = useQuery({ query: ROLES })
  return data?.roles.filter(({ globalPermissions }) => globalPermissions).map(({ name }) => name) ?? []
}

interface NewProps {
  onClose: () => void
  /** The password that was made up. */
  onDone: (email: string, password: string | null) => void
}

export function NewUser({ onClose, onDone }: NewProps) {
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [, create] = useMutation(CREATE_USER)
  const roles = useRoles()

  async function make(reason: string): Promise<Refusal | undefined> {
    const { data, error } = await create({ input: { email: email.trim(), name: name.trim(), role, reason } })
    if (data?.userCreate.__typename === 'UserCreated') onDone(email.trim(), data.userCreate.password)
    return refusal(data?.userCreate, error)
  }

  return (
    <AskDialog title="New user" action="Make the user" blocked={!email.trim()} onClose={onClose} onAsk={make}>
      {(why) => (
        <>
          <TextInput
            label="E-mail"
            type="email"
            required
            data-autofocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={fieldError(why, 'email')}
          />
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldError(why, 'name')}
          />
          <RoleField value={role} onChange={setRole} roles={roles} error={fieldError(why, 'role')} />
          <Text size="xs" c="dimmed">
            A password is made up and shown once.
          </Text>
        </>
      )}
    </AskDialog>
  )
}

interface RoleFieldProps {
  value: string
  onChange: (role: string) => void
  roles: string[]
  error: string | undefined
}

function RoleField({ value, onChange, roles, error }: RoleFieldProps) {
  return (
    <Select
      label="Global role"
      description="A member of a project sees only their projects, unless this one may change projects."
      allowDeselect={false}
      value={value}
      onChange={(chosen) => onChange(chosen ?? value)}
      data={roles.includes(value) ? roles : [...roles, value]}
      error={error}
    />
  )
}

export type Deed = 'edit' | 'password' | 'keys' | 'disable' | 'enable' | 'delete'

const WORDS: Record<Deed, [title: string, action: string, about: string]> = {
  edit: ['Name and role of', 'Save', ''],
  password: [
    'Reset the password of',
    'Reset the password',
    'A new one is made up and shown once. Their sessions end; API keys stay.',
  ],
  keys: ['Revoke all API keys of', 'Revoke the keys', 'What uses one of them stops at once. They can make new ones.'],
  disable: ['Disable', 'Disable', 'They cannot sign in any more; sessions and streams end, keys included.'],
  enable: ['Enable', 'Enable', 'They may sign in again.'],
  delete: ['Delete', 'Delete the user', 'Sessions and keys go, too. What they did stays in history and audit log.'],
}

interface DialogProps {
  deed: Deed
  user: User
  onClose: () => void
  onDone: (password?: string | null) => void
}

export function UserDialog({ deed, user, onClose, onDone }: DialogProps) {
  const [name, setName] = useState(user.name)
  const [role, setRole] = useState(user.role)
  const [, update] = useMutation(UPDATE_USER)
  const [, remove] = useMutation(DELETE_USER)
  const [, revoke] = useMutation(REVOKE_KEYS)
  const [, reset] = useMutation(RESET_PASSWORD)
  const roles = useRoles()
  const [title, action, about] = WORDS[deed]

  async function carryOut(reason: string): Promise<Refusal | undefined> {
    const common = { id: user.id, reason }
    if (deed === 'delete') {
      const { data, error } = await remove({ input: common })
      return refusal(data?.userDelete, error)
    }
    if (deed === 'keys') {
      const { data, error } = await revoke({ input: common })
      return refusal(data?.userKeysRevoke, error)
    }
    if (deed === 'password') {
      const { data, error } = await reset({ input: common })
      if (data?.userPasswordReset.__typename === 'UserPasswordReset') onDone(data.userPasswordReset.password)
      return refusal(data?.userPasswordReset, error)
    }
    const changes = deed === 'edit' ? { name: name.trim(), role } : { disabled: deed === 'disable' }
    const { data, error } = await update({ input: { ...common, ...changes } })
    return refusal(data?.userUpdate, error)
  }

  async function ask(reason: string): Promise<Refusal | undefined> {
    const why = await carryOut(reason)
    if (!why && deed !== 'password') onDone()
    return why
  }

  return (
    <AskDialog
      title={`${title} ${user.email}`}
      action={action}
      grave={deed === 'delete' || deed === 'disable' || deed === 'keys'}
      onClose={onClose}
      onAsk={ask}
    >
      {(why) => (
        <>
          {about && <Text size="sm">{about}</Text>}
          {deed === 'edit' && (
            <>
              <TextInput
                label="Name"
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
                error={fieldError(why, 'name')}
              />
              <RoleField value={role} onChange={setRole} roles={roles} error={fieldError(why, 'role')} />
            </>
          )}
        </>
      )}
    </AskDialog>
  )
}
