/** A model's settings. */
import { Group, JsonInput, Paper, Select, Stack, Switch, TextInput, Title } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { useProviderChoices } from '../../shared/choices'
import { LimitsFields } from '../../shared/forms/LimitsFields'
import { SaveBar } from '../../shared/forms/SaveBar'
import { useDraft } from '../../shared/forms/useDraft'
import { SetBy } from '../../shared/history/SetBy'
import { changed, draftOf, isJson } from './draft'
import { PriceFields } from './PriceFields'
import { UPDATE, type Model } from './queries'
import { SizeFields, AbilityFields } from './SizeFields'

const FIELDS = [
  'provider',
  'upstream_name',
  'prices',
  'unpriced',
  'context_window',
  'max_output_tokens',
  'capabilities',
  'limits',
  'enabled',
  'simulation',
]

export function ModelForm({ model, locked }: { model: Model; locked: boolean }) {
  const providers = useProviderChoices() ?? []
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
  } = useDraft(draftOf(model), model.revision ?? '')
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []
  const path = `models/${model.modelId}.yaml`
  const simulated = providers.find(({ providerId }) => providerId === draft.provider)?.kind === 'SIMULATED'

  async function save(): Promise<void> {
    const made = await change({
      title: `Change “${model.modelId}”`,
      mutation: UPDATE,
      input: changed(model.modelId, draft, from),
      readAt,
    })
    setOutcome(made)
    if (made.kind === 'done') saved()
    if (made.kind === 'theirs') discard()
  }

  const shared = { draft, put, problems, locked, path }
  return (
    <Stack gap="lg">
      <Problems
        message={outcome?.kind === 'refused' ? outcome.message : undefined}
        problems={problemsElsewhere(problems, ...FIELDS)}
      />
      <Part title="Where it runs">
        <Stack>
          <Group gap="xs">
            <Switch
              label="Enabled: it takes part in routing"
              checked={draft.enabled}
              disabled={locked}
              onChange={(event) => put({ enabled: event.currentTarget.checked })}
            />
            <SetBy path={path} field="enabled" label="Enabled" />
          </Group>
          <Group gap="xs" align="flex-end">
            <Select
              label="Provider"
              allowDeselect={false}
              searchable
              readOnly={locked}
              value={draft.provider}
              onChange={(provider) => put({ provider: provider ?? draft.provider })}
              data={providers.map(({ providerId }) => providerId)}
              error={problemAt(problems, 'provider')}
            />
            <SetBy path={path} field="provider" label="Provider" />
            <TextInput
              label="Name at the provider"
              required
              readOnly={locked}
              value={draft.upstreamName}
              onChange={(event) => put({ upstreamName: event.currentTarget.value.trim() })}
              error={problemAt(problems, 'upstream_name')}
              miw={280}
            />
            <SetBy path={path} field="upstream_name" label="Name at the provider" />
          </Group>
        </Stack>
      </Part>
      <Part title="Prices" about={<SetBy path={path} field="prices" label="Prices" />}>
        <Stack>
          <PriceFields
            value={draft.prices}
            onChange={(prices) => put({ prices })}
            problems={problems}
            locked={locked}
          />
          <Select
            label="Without a known price, where a cost limit applies"
            allowDeselect={false}
            readOnly={locked}
            value={draft.unpriced}
            onChange={(unpriced) => put({ unpriced: unpriced === 'ALLOW' ? 'ALLOW' : 'REFUSE' })}
            data={[
              { value: 'REFUSE', label: 'it is refused' },
              { value: 'ALLOW', label: 'it is used; its cost is unknown' },
            ]}
            maw={360}
          />
        </Stack>
      </Part>
      <Part title="Size">
        <SizeFields {...shared} />
      </Part>
      <Part title="What it can do" about={<SetBy path={path} field="capabilities" label="What it can do" />}>
        <AbilityFields {...shared} />
      </Part>
      <Part title="Limits over all projects" about={<SetBy path={path} field="limits" label="Limits" />}>
        <LimitsFields value={draft.limits} onChange={(limits) => put({ limits })} problems={problems} locked={locked} />
      </Part>
      {(simulated || draft.simulation) && (
        <Part title="Simulation" about={<SetBy path={path} field="simulation" label="Simulation" />}>
          <JsonInput
            aria-label="How it behaves"
            description="Latency, failures and answers, over those of its provider."
            autosize
            minRows={4}
            formatOnBlur
            readOnly={locked}
            value={draft.simulation}
            onChange={(simulation) => put({ simulation })}
            error={isJson(draft.simulation) ? problemAt(problems, 'simulation') : 'This is not JSON.'}
          />
        </Part>
      )}
      {!locked && (
        <SaveBar
          {...{ dirty, outdated }}
          busy={checking}
          blocked={!isJson(draft.simulation)}
          onSave={() => void save()}
          onDiscard={discard}
        />
      )}
    </Stack>
  )
}

function Part({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Group gap="xs" mb="xs">
        <Title order={2}>{title}</Title>
        {about}
      </Group>
      {children}
    </Paper>
  )
}
