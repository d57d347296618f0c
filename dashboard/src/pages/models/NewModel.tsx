/** A new model: chosen from the price table, or named by hand. */
import { Alert, Anchor, Button, Group, Select, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState, type SubmitEvent } from 'react'
import { Link, useNavigate } from 'react-router'
import { useQuery } from 'urql'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { useProviderChoices } from '../../shared/choices'
import { Dialog } from '../../shared/Dialog'
import { count } from '../../shared/formats'
import { CREATE, PRESETS, type ModelPreset } from './queries'
import { priceWords } from './words'

interface Props {
  readAt: string
  provider: string | null
  onClose: () => void
}

const TYPING_MS = 250
const FIELDS = ['model_id', 'provider', 'upstream_name']

export function NewModel({ readAt, provider: given, onClose }: Props) {
  const known = useProviderChoices()
  const { change, checking } = useChange()
  const navigate = useNavigate()
  const [provider, setProvider] = useState(given)
  const [upstream, setUpstream] = useState('')
  const [id, setId] = useState('')
  const [table, setTable] = useState(true)
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const presets = usePresets(provider, upstream)
  const preset = presets.find(({ upstreamName }) => upstreamName === upstream)
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []
  const providers = known ?? []

  function name(typed: string): void {
    // The id follows until somebody gives it another.
    if (id === idOf(upstream)) setId(idOf(typed))
    setUpstream(typed)
  }

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const made = await change({
      title: `Add the model “${id}”`,
      creates: 'model_id',
      mutation: CREATE,
      input: {
        modelId: id.trim(),
        provider: provider ?? '',
        upstreamName: upstream.trim(),
        fromPriceTable: !!preset && table,
      },
      readAt,
    })
    setOutcome(made)
    if (made.kind !== 'done') return
    onClose()
    void navigate(`/models/${id.trim()}`)
  }

  return (
    <Dialog onClose={onClose} title="Add a model" closeOnClickOutside={false}>
      <form onSubmit={submit} autoComplete="off">
        <Stack>
          <Problems
            message={outcome?.kind === 'refused' ? outcome.message : undefined}
            problems={problemsElsewhere(problems, ...FIELDS)}
          />
          {known && providers.length === 0 && (
            <Alert color="yellow">
              A model is always at a provider.{' '}
              <Anchor component={Link} to="/providers" inherit underline="always">
                Add a provider first.
              </Anchor>
            </Alert>
          )}
          <Select
            label="Provider"
            required
            searchable
            data-autofocus
            value={provider}
            onChange={setProvider}
            data={providers.map(({ providerId, enabled }) => ({
              value: providerId,
              label: enabled ? providerId : `${providerId} (disabled)`,
            }))}
            error={problemAt(problems, 'provider')}
          />
          <Names
            presets={presets}
            value={upstream}
            onChange={name}
            error={problemAt(problems, 'upstream_name')}
            disabled={!provider}
          />
          <TextInput
            label="Id"
            description="What routing and logs call it. Fixed for ever; a / makes a folder."
            required
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            error={problemAt(problems, 'model_id')}
          />
          {preset && <FromTable preset={preset} checked={table} onChange={setTable} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!provider || !upstream.trim() || !id.trim()} loading={checking}>
              Review
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

const idOf = (upstream: string): string => upstream.toLowerCase().replace(/[^a-z0-9._/-]+/g, '-')

function usePresets(provider: string | null, search: string): ModelPreset[] {
  const [asked] = useDebouncedValue(search.trim(), TYPING_MS)
  const variables = { provider: provider ?? '', search: asked || null }
  const [{ data }] = useQuery({ query: PRESETS, variables, pause: !provider })
  return provider ? (data?.modelPresets ?? []) : []
}

interface NamesProps {
  presets: ModelPreset[]
  value: string
  onChange: (value: string) => void
  error: string | undefined
  disabled: boolean
}

/** Any name may be typed; those of the price table are suggested, as the browser suggests. */
function Names({ presets, value, onChange, error, disabled }: NamesProps) {
  return (
    <>
      <TextInput
        label="Name at the provider"
        description={
          presets.length ? 'Type to search the price table, or any other name.' : 'As the provider calls it.'
        }
        required
        list="model-presets"
        disabled={disabled}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
      />
      <datalist id="model-presets">
        {presets.map((preset) => (
          <option key={preset.upstreamName} value={preset.upstreamName}>
            {preset.deprecated ? `${preset.name ?? ''} (deprecated)` : preset.name}
          </option>
        ))}
      </datalist>
    </>
  )
}

function FromTable({
  preset,
  checked,
  onChange,
}: {
  preset: ModelPreset
  checked: boolean
  onChange: (checked: boolean) => void
}) {
  const prices = preset.prices
  return (
    <Stack gap={4}>
      <Switch
        label="Write its figures into the file"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <Text size="xs" c="dimmed">
        {prices && `Input ${priceWords(prices.input)}, output ${priceWords(prices.output)} for a million tokens. `}
        {preset.contextWindow && `Context window ${count(preset.contextWindow)} tokens.`}
      </Text>
    </Stack>
  )
}
