/** One provider: its settings, its key, its models; clone and delete. */
import { Anchor, Badge, Button, Group, List, Paper, Stack, Text, Title } from '@mantine/core'
import { useRef, useState, type SubmitEvent } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { NotFound } from '../../app/NotFound'
import { useViewer } from '../../app/Viewer'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { SetBy } from '../../shared/history/SetBy'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { KeyField, type KeyHandle } from './KeyField'
import { NewProvider } from './NewProvider'
import { ProviderForm } from './ProviderForm'
import { DELETE, ONE_PROVIDER, SET_KEY, type Provider } from './queries'
import { KINDS, keyWords } from './words'

export default function ProviderPage() {
  const { id = '' } = useParams()
  const answer = useConfiguration({ query: ONE_PROVIDER, variables: { id } })
  return (
    <Loaded of={answer}>
      {({ provider }) =>
        provider ? <Shown key={id} provider={provider} models={provider.models} /> : <NotFound what="provider" />
      }
    </Loaded>
  )
}

function Shown({ provider, models }: { provider: Provider; models: { modelId: string; enabled: boolean }[] }) {
  const viewer = useViewer()
  const navigate = useNavigate()
  const { change } = useChange()
  const [cloning, setCloning] = useState(false)
  const [refused, setRefused] = useState<string>()
  const locked = !viewer.may('model:write', provider.projectSlug ?? undefined)

  async function remove(): Promise<void> {
    const made = await change({
      title: `Delete “${provider.providerId}”`,
      mutation: DELETE,
      input: { providerId: provider.providerId },
      readAt: provider.revision ?? '',
      action: 'Delete',
      danger: true,
      warning: 'Its key goes with it: nobody can read it back.',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
    if (made.kind === 'done') void navigate('/providers')
  }

  return (
    <>
      <PageHead
        title={provider.providerId}
        about={
          <>
            {KINDS[provider.kind]} {!provider.enabled && <Badge variant="default">disabled</Badge>} {provider.address}
          </>
        }
      >
        {!locked && (
          <>
            <Button variant="default" onClick={() => setCloning(true)}>
              Clone
            </Button>
            <Button variant="default" color="red" c="red" onClick={() => void remove()}>
              Delete
            </Button>
          </>
        )}
      </PageHead>
      <Stack gap="lg" maw={760}>
        <Problems message={refused} />
        <ProviderForm provider={provider} locked={locked} />
        {provider.kind !== 'SIMULATED' && <Key provider={provider} locked={locked} />}
        <Paper withBorder p="md" component="section" aria-label="Models">
          <Title order={2} mb="xs">
            Models
          </Title>
          {models.length === 0 ? (
            <Text size="sm" c="dimmed">
              None yet.{' '}
              <Anchor component={Link} to={`/models?provider=${provider.providerId}`} inherit underline="always">
                Add one
              </Anchor>{' '}
              so that projects can be routed here.
            </Text>
          ) : (
            <List size="sm" listStyleType="none">
              {models.map((model) => (
                <List.Item key={model.modelId}>
                  <Anchor component={Link} to={`/models/${model.modelId}`} inherit>
                    {model.modelId}
                  </Anchor>
                  {!model.enabled && ' (disabled)'}
                </List.Item>
              ))}
            </List>
          )}
        </Paper>
      </Stack>
      {cloning && <NewProvider like={provider} readAt={provider.revision ?? ''} onClose={() => setCloning(false)} />}
    </>
  )
}

function Key({ provider, locked }: { provider: Provider; locked: boolean }) {
  const { change, checking } = useChange()
  const field = useRef<KeyHandle>(null)
  const [typed, setTyped] = useState(false)
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []

  async function save(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const credential = field.current?.take()
    if (!credential) return
    const made = await change({
      title: `Set the key of “${provider.providerId}”`,
      mutation: SET_KEY,
      input: { providerId: provider.providerId, credential },
      readAt: provider.revision ?? '',
    })
    setOutcome(made)
    // It was sealed, or is not wanted: in either case it has no business on this page any more.
    if (made.kind !== 'invalid' && made.kind !== 'refused') {
      field.current?.clear()
      setTyped(false)
    }
  }

  return (
    <Paper withBorder p="md" component="section" aria-label="Key">
      <Group gap="xs" mb="xs">
        <Title order={2}>Key</Title>
        <SetBy path={`providers/${provider.providerId}.yaml`} field="credential" label="Key" />
      </Group>
      <Text size="sm" mb="sm">
        {keyWords(provider)}
        {provider.credential?.origin && `, for ${provider.credential.origin}`}
      </Text>
      {!locked && (
        <form onSubmit={save} autoComplete="off">
          <Stack maw={420}>
            <Problems
              message={outcome?.kind === 'refused' ? outcome.message : undefined}
              problems={problemsElsewhere(problems, 'credential')}
            />
            <KeyField ref={field} error={problemAt(problems, 'credential')} onTyped={() => setTyped(true)} />
            <Group>
              <Button type="submit" disabled={!typed} loading={checking}>
                {provider.credential ? 'Replace the key' : 'Set the key'}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Paper>
  )
}
