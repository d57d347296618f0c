/** The tokens with what is used of their limits. */
import { ActionIcon, Badge, Code, Group, Stack, Table, Text, Tooltip } from '@mantine/core'
import { IconPencil, IconRefresh, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import { Problems, useChange } from '../../../shared/change'
import { ago, instant } from '../../../shared/formats'
import { limitsWords } from '../../../shared/forms/limits'
import { SetBy } from '../../../shared/history/SetBy'
import { LimitUseList } from '../../../shared/LimitUseList'
import { TOKEN_REVOKE, type Token, type TokensProject } from './queries'

interface Props {
  project: TokensProject
  tokens: readonly Token[]
  locked: boolean
  onEdit: (token: Token) => void
  onRegenerate: (token: Token) => void
}

export function TokenTable({ project, tokens, locked, onEdit, onRegenerate }: Props) {
  const { change } = useChange()
  const [refused, setRefused] = useState<string>()

  async function revoke(token: Token): Promise<void> {
    const made = await change({
      title: `Revoke the token “${token.name}”`,
      action: 'Revoke',
      danger: true,
      warning: 'Applications that use it are refused as soon as the proxies run the change. It cannot be brought back.',
      mutation: TOKEN_REVOKE,
      input: { project: project.slug, token: token.token },
      readAt: project.revision ?? '',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
  }

  return (
    <>
      <Problems message={refused} />
      <Table.ScrollContainer minWidth={820}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              <Table.Th>Token</Table.Th>
              <Table.Th>Limits and use</Table.Th>
              <Table.Th>Labels</Table.Th>
              <Table.Th>Last used</Table.Th>
              <Table.Th>Expires</Table.Th>
              <Table.Th>
                <Text span fz="inherit" fw="inherit">
                  Actions
                </Text>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {tokens.map((token) => (
              <Table.Tr key={token.token}>
                <Table.Td fw={500}>{token.name}</Table.Td>
                <Table.Td>
                  <Code>{token.prefix}…</Code>
                </Table.Td>
                <Table.Td miw={220}>
                  <Limited token={token} />
                </Table.Td>
                <Table.Td>
                  <Group gap={4}>
                    {token.labels.map(({ key, value }) => (
                      <Badge key={key} variant="default" size="xs" tt="none">
                        {key}: {value}
                      </Badge>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>
                  <LastUsed at={token.lastUsedAt} />
                </Table.Td>
                <Table.Td>
                  <Ends token={token} />
                </Table.Td>
                <Table.Td>
                  <Group gap={4} wrap="nowrap">
                    <SetBy
                      path={`projects/${project.slug}/tokens/${token.token}.yaml`}
                      field="name"
                      label={token.name}
                    />
                    <Act label={`Edit ${token.name}`} icon={IconPencil} locked={locked} onAct={() => onEdit(token)} />
                    <Act
                      label={`Re-generate ${token.name}`}
                      icon={IconRefresh}
                      locked={locked}
                      onAct={() => onRegenerate(token)}
                    />
                    <Act
                      label={`Revoke ${token.name}`}
                      icon={IconTrash}
                      color="red"
                      locked={locked}
                      onAct={() => void revoke(token)}
                    />
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  )
}

function Limited({ token }: { token: Token }) {
  const own = token.limitUse?.filter(({ scope }) => scope === 'TOKEN' || scope === 'TOKEN_MODEL')
  return (
    <Stack gap={4}>
      <Text size="xs" c="dimmed">
        {token.limits.rules.length || token.limits.mode === 'DISABLE'
          ? `${token.limits.mode.toLowerCase()}: ${limitsWords(token.limits)}`
          : 'as the project'}
        {token.models.map(({ id, limits }) => ` · ${id}: ${limitsWords(limits)}`)}
      </Text>
      {own && <LimitUseList uses={own} />}
    </Stack>
  )
}

/** `at` is undefined for whoever may not read reports. */
function LastUsed({ at }: { at: string | null | undefined }) {
  if (at === undefined) return '—'
  return at ? <span title={instant(at)}>{ago(at)}</span> : 'never'
}

function Ends({ token: { expiresAt, formerValidUntil } }: { token: Token }) {
  const former = formerValidUntil && new Date(formerValidUntil) > new Date()
  return (
    <>
      {expiresAt ? <span title={instant(expiresAt)}>{ago(expiresAt)}</span> : 'never'}
      {former && (
        <Text size="xs" c="dimmed" title={instant(formerValidUntil)}>
          former value ends {ago(formerValidUntil)}
        </Text>
      )}
    </>
  )
}

interface ActProps {
  label: string
  icon: typeof IconPencil
  color?: string
  locked: boolean
  onAct: () => void
}

function Act({ label, icon: Icon, color = 'gray', locked, onAct }: ActProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon color={color} aria-label={label} disabled={locked} onClick={onAct}>
        <Icon size={14} stroke={1.6} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}
