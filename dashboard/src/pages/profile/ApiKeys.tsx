/** One's API keys: list, make, revoke. */
import { Badge, Button, Code, Group, Select, Stack, Table, TextInput, VisuallyHidden } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useMutation } from 'urql'
import { AskDialog } from '../../shared/ask/AskDialog'
import { fieldError, refusal, type Refusal } from '../../shared/ask/refusals'
import { ShownOnce } from '../../shared/ask/ShownOnce'
import { Empty } from '../../shared/Empty'
import { ago, instant } from '../../shared/formats'
import { CREATE_KEY, REVOKE_KEY, type ApiKey } from './queries'

export function ApiKeys({ keys, onChanged }: { keys: ApiKey[]; onChanged: () => void }) {
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<string>()
  const [ending, setEnding] = useState<ApiKey>()
  const newKey = (
    <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setMaking(true)}>
      New API key
    </Button>
  )
  return (
    <Stack align="stretch">
      {keys.length === 0 ? (
        <Empty title="No API keys" hint="Make one to use the GraphQL API from a program of your own.">
          {newKey}
        </Empty>
      ) : (
        <>
          <Group>{newKey}</Group>
          <KeyTable keys={keys} onRevoke={setEnding} />
        </>
      )}
      {making && (
        <NewKey
          onClose={() => setMaking(false)}
          onMade={(value) => {
            setMaking(false)
            setMade(value)
            onChanged()
          }}
        />
      )}
      {made && (
        <ShownOnce
          title="Your new API key"
          value={made}
          hint="Send it as “Authorization: Bearer …” to /graphql."
          onClose={() => setMade(undefined)}
        />
      )}
      {ending && <RevokeKey apiKey={ending} onClose={() => setEnding(undefined)} onRevoked={onChanged} />}
    </Stack>
  )
}

function KeyTable({ keys, onRevoke }: { keys: ApiKey[]; onRevoke: (key: ApiKey) => void }) {
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {['Name', 'Begins with', 'Made', 'Last used', 'Ends'].map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
            <Table.Th>
              <VisuallyHidden>What can be done</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {keys.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td>
                {key.name} {key.current && <Badge size="xs">this request</Badge>}
              </Table.Td>
              <Table.Td>
                <Code>{key.prefix}…</Code>
              </Table.Td>
              <Table.Td title={instant(key.createdAt)}>{ago(key.createdAt)}</Table.Td>
              <Table.Td>{key.lastUsedAt ? ago(key.lastUsedAt) : 'never'}</Table.Td>
              <Table.Td>{key.expiresAt ? instant(key.expiresAt) : 'never'}</Table.Td>
              <Table.Td ta="right">
                <Button variant="subtle" color="red" onClick={() => onRevoke(key)} aria-label={`Revoke ${key.name}`}>
                  Revoke
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

const DAY_MS = 86_400_000
const LIVES = [
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: '', label: 'Never' },
]

function NewKey({ onClose, onMade }: { onClose: () => void; onMade: (value: string) => void }) {
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [, create] = useMutation(CREATE_KEY)

  async function make(reason: string): Promise<Refusal | undefined> {
    const expiresAt = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null
    const { data, error } = await create({ input: { name, expiresAt, reason } })
    if (data?.apiKeyCreate.__typename === 'ApiKeyCreated') onMade(data.apiKeyCreate.value ?? '')
    return refusal(data?.apiKeyCreate, error)
  }

  return (
    <AskDialog title="New API key" action="Make the key" blocked={!name.trim()} onClose={onClose} onAsk={make}>
      {(why) => (
        <>
          <TextInput
            label="Name"
            description="What it is for, such as “billing export”."
            required
            autoFocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldError(why, 'name')}
          />
          <Select
            label="Ends"
            data={LIVES}
            value={days}
            onChange={(value) => setDays(value ?? '')}
            allowDeselect={false}
          />
        </>
      )}
    </AskDialog>
  )
}

function RevokeKey({ apiKey, onClose, onRevoked }: { apiKey: ApiKey; onClose: () => void; onRevoked: () => void }) {
  const [, revoke] = useMutation(REVOKE_KEY)
  return (
    <AskDialog
      title={`Revoke “${apiKey.name}”`}
      action="Revoke the key"
      grave
      onClose={onClose}
      onAsk={async (reason) => {
        const { data, error } = await revoke({ input: { id: apiKey.id, reason } })
        const refused = refusal(data?.apiKeyRevoke, error)
        if (!refused) {
          onRevoked()
          onClose()
        }
        return refused
      }}
    >
      Programs that use it are refused from now on, streams that are open included.
    </AskDialog>
  )
}
