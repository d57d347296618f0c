/** A new provider: from a preset, from a kind, or like another one. */
import { Button, Group, Select, Stack, TextInput } from '@mantine/core'
import { useRef, useState, type SubmitEvent } from 'react'
import { useNavigate } from 'react-router'
import { useQuery } from 'urql'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { Dialog } from '../../shared/Dialog'
import { KeyField, type KeyHandle } from './KeyField'
import { CREATE, PRESETS, type Preset, type Provider } from './queries'
import { KINDS } from './words'

interface Props {
  readAt: string
  /** Its settings are taken over, all but the key. */
  like?: Provider
  onClose: () => void
}

const KIND = 'kind:'
const FIELDS = ['provider_id', 'base_url', 'credential', 'kind', 'preset']

export function NewProvider({ readAt, like, onClose }: Props) {
  const [{ data }] = useQuery({ query: PRESETS })
  const navigate = useNavigate()
  const { change, checking } = useChange()
  const [start, setStart] = useState<string | null>(like ? (like.preset ?? KIND + like.kind) : null)
  const [id, setId] = useState(like ? `${like.providerId}-copy` : '')
  const [url, setUrl] = useState(like?.baseUrl ?? '')
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const key = useRef<KeyHandle>(null)
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []
  const presets = data?.providerPresets ?? []
  const preset = presets.find(({ presetId }) => presetId === start)
  const kind = start?.startsWith(KIND) ? (start.slice(KIND.length) as Provider['kind']) : preset?.kind
  const keyless = kind === 'SIMULATED' || preset?.needsKey === false

  function begin(chosen: string | null): void {
    setStart(chosen)
    const found = presets.find(({ presetId }) => presetId === chosen)
    setUrl(found?.baseUrl ?? '')
    if (!like) setId(found?.presetId ?? chosen?.slice(KIND.length).toLowerCase().replaceAll('_', '-') ?? '')
  }

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const credential = key.current?.take() ?? null
    const made = await change({
      title: `Add the provider “${id}”`,
      creates: 'provider_id',
      mutation: CREATE,
      input: {
        providerId: id.trim(),
        ...(preset ? { preset: preset.presetId } : { kind }),
        ...(url.trim() && url.trim() !== preset?.baseUrl && { baseUrl: url.trim() }),
        ...(credential && { credential }),
        ...(like && takenOver(like)),
      },
      readAt,
    })
    setOutcome(made)
    if (made.kind !== 'done') return
    key.current?.clear()
    onClose()
    void navigate(`/providers/${id.trim()}`)
  }

  return (
    <Dialog
      onClose={onClose}
      title={like ? `A provider like “${like.providerId}”` : 'Add a provider'}
      closeOnClickOutside={false}
    >
      <form onSubmit={submit} autoComplete="off">
        <Stack>
          <Problems
            message={outcome?.kind === 'refused' ? outcome.message : undefined}
            problems={problemsElsewhere(problems, ...FIELDS)}
          />
          <Select
            label="Start from"
            placeholder="Choose a preset"
            required
            searchable
            data-autofocus
            value={start}
            onChange={begin}
            data={choices(presets)}
            error={problemAt(problems, 'preset', 'kind')}
          />
          <TextInput
            label="Id"
            description="Fixed for ever: lower-case letters, digits and single hyphens."
            required
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            error={problemAt(problems, 'provider_id')}
          />
          {kind !== 'SIMULATED' && (
            <TextInput
              label="Address"
              type="url"
              placeholder={preset?.baseUrl ?? 'https://…'}
              description="Empty is the address that the preset or the kind has."
              value={url}
              onChange={(event) => setUrl(event.currentTarget.value)}
              error={problemAt(problems, 'base_url')}
            />
          )}
          {start && kind !== 'SIMULATED' && (
            <KeyField ref={key} required={!keyless} error={problemAt(problems, 'credential')} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!start || !id.trim()} loading={checking}>
              Review
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

const choices = (presets: readonly Preset[]) => [
  { group: 'Known by name', items: presets.map(({ presetId, name }) => ({ value: presetId, label: name })) },
  {
    group: 'By the wire that it speaks',
    items: Object.entries(KINDS).map(([kind, label]) => ({ value: KIND + kind, label })),
  },
]

const takenOver = ({ enabled, projectSlug, headers, maxConnections, simulation }: Provider) => ({
  enabled,
  headers: headers.map(({ name, value }) => ({ name, value })),
  maxConnections,
  ...(projectSlug && { project: projectSlug }),
  ...(simulation !== null && { simulation }),
})
