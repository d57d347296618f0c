/** A provider's settings: all but its key. */
import { Group, JsonInput, Paper, Stack, Switch, TextInput, Title } from '@mantine/core'
import { useState } from 'react'
import type { Json } from '../../api/graphql'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { NumberField } from '../../shared/forms/NumberField'
import { SaveBar } from '../../shared/forms/SaveBar'
import { same, useDraft } from '../../shared/forms/useDraft'
import { SetBy } from '../../shared/history/SetBy'
import { HeaderFields } from './HeaderFields'
import { UPDATE, type Provider } from './queries'

interface Draft {
  enabled: boolean
  baseUrl: string
  project: string
  maxConnections: number
  headers: { name: string; value: string }[]
  simulation: string
}

const draftOf = (provider: Provider): Draft => ({
  enabled: provider.enabled,
  baseUrl: provider.baseUrl ?? '',
  project: provider.projectSlug ?? '',
  maxConnections: provider.maxConnections,
  headers: provider.headers.map(({ name, value }) => ({ name, value })),
  simulation: provider.simulation === null ? '' : JSON.stringify(provider.simulation, null, 2),
})

const FIELDS = ['enabled', 'base_url', 'project', 'max_connections', 'headers', 'simulation']

export function ProviderForm({ provider, locked }: { provider: Provider; locked: boolean }) {
  const { change, checking } = useChange()
  const {
    value: draft,
    from,
    dirty,
    outdated,
    readAt,
    set: put,
    reset: discard,
    saved,
  } = useDraft(draftOf(provider), provider.revision ?? '')
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []
  const simulation = parsed(draft.simulation)
  const path = `providers/${provider.providerId}.yaml`

  async function save(): Promise<void> {
    const made = await change({
      title: `Change “${provider.providerId}”`,
      mutation: UPDATE,
      input: {
        providerId: provider.providerId,
        ...(draft.enabled !== from.enabled && { enabled: draft.enabled }),
        ...(draft.baseUrl !== from.baseUrl && { baseUrl: draft.baseUrl || null }),
        ...(draft.project !== from.project && { project: draft.project || null }),
        ...(draft.maxConnections !== from.maxConnections && { maxConnections: draft.maxConnections }),
        ...(!same(draft.headers, from.headers) && { headers: draft.headers }),
        ...(draft.simulation !== from.simulation && { simulation: simulation ?? null }),
      },
      readAt,
    })
    setOutcome(made)
    if (made.kind === 'done') saved()
    if (made.kind === 'theirs') discard()
  }

  return (
    <Paper withBorder p="md" component="section" aria-label="Settings">
      <Title order={2} mb="xs">
        Settings
      </Title>
      <Stack>
        <Problems
          message={outcome?.kind === 'refused' ? outcome.message : undefined}
          problems={problemsElsewhere(problems, ...FIELDS)}
        />
        <Group gap="xs">
          <Switch
            label="Enabled: its models take part in routing"
            checked={draft.enabled}
            disabled={locked}
            onChange={(event) => put({ enabled: event.currentTarget.checked })}
          />
          <SetBy path={path} field="enabled" label="Enabled" />
        </Group>
        {provider.kind !== 'SIMULATED' && (
          <Group gap="xs" align="flex-end" wrap="nowrap">
            <TextInput
              style={{ flex: 1 }}
              label="Address"
              type="url"
              placeholder={provider.address ?? ''}
              description="Another scheme, host or port needs the key again."
              readOnly={locked}
              value={draft.baseUrl}
              onChange={(event) => put({ baseUrl: event.currentTarget.value.trim() })}
              error={problemAt(problems, 'base_url')}
            />
            <SetBy path={path} field="base_url" label="Address" />
          </Group>
        )}
        <Group gap="xs" align="flex-end">
          <TextInput
            label="Own account of project"
            description="Its slug; empty is everybody’s."
            readOnly={locked}
            value={draft.project}
            onChange={(event) => put({ project: event.currentTarget.value.trim() })}
            error={problemAt(problems, 'project')}
          />
          <SetBy path={path} field="project" label="Own account of project" />
          <NumberField
            label="Connections"
            description="That a proxy holds at most."
            min={1}
            readOnly={locked}
            value={draft.maxConnections}
            onChange={(typed) => put({ maxConnections: typed || 1 })}
            error={problemAt(problems, 'max_connections')}
          />
          <SetBy path={path} field="max_connections" label="Connections" />
        </Group>
        <HeaderFields
          value={draft.headers}
          onChange={(headers) => put({ headers })}
          locked={locked}
          error={problemAt(problems, 'headers')}
        />
        {provider.kind === 'SIMULATED' && (
          <JsonInput
            label="How it behaves"
            description="Latency, failures and answers, as in its file."
            autosize
            minRows={4}
            formatOnBlur
            readOnly={locked}
            value={draft.simulation}
            onChange={(simulation) => put({ simulation })}
            error={simulation === undefined ? 'This is not JSON.' : problemAt(problems, 'simulation')}
          />
        )}
        {!locked && (
          <SaveBar
            {...{ dirty, outdated }}
            busy={checking}
            blocked={simulation === undefined}
            onSave={() => void save()}
            onDiscard={discard}
          />
        )}
      </Stack>
    </Paper>
  )
}

/** Undefined where it is no JSON; nothing typed is null. */
function parsed(text: string): Json | undefined {
  if (!text.trim()) return null
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
