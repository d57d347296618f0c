/** One model: its settings, who uses it, clone and delete. */
import { Anchor, Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { NotFound } from '../../app/NotFound'
import { useViewer } from '../../app/Viewer'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { count } from '../../shared/formats'
import { Dialog } from '../../shared/Dialog'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { ModelForm } from './ModelForm'
import { CLONE, DELETE, ONE_MODEL, type Model } from './queries'

export default function ModelPage() {
  const { '*': id = '' } = useParams()
  const answer = useConfiguration({ query: ONE_MODEL, variables: { id } })
  return (
    <Loaded of={answer}>{({ model }) => (model ? <Shown key={id} model={model} /> : <NotFound what="model" />)}</Loaded>
  )
}

function Shown({ model }: { model: Model }) {
  const viewer = useViewer()
  const navigate = useNavigate()
  const { change } = useChange()
  const [cloning, setCloning] = useState(false)
  const [refused, setRefused] = useState<string>()
  const locked = !viewer.may('model:write')

  async function remove(): Promise<void> {
    const made = await change({
      title: `Delete “${model.modelId}”`,
      mutation: DELETE,
      input: { modelId: model.modelId },
      readAt: model.revision ?? '',
      action: 'Delete',
      danger: true,
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
    if (made.kind === 'done') void navigate('/models')
  }

  return (
    <>
      <PageHead
        title={model.modelId}
        about={
          <>
            At{' '}
            <Anchor component={Link} to={`/providers/${model.providerId}`} inherit underline="always">
              {model.providerId}
            </Anchor>{' '}
            {!model.enabled && <Badge variant="default">disabled</Badge>}
          </>
        }
      >
        {!locked && (
          <>
            <Button variant="default" onClick={() => setCloning(true)}>
              Clone
            </Button>
            <Button variant="default" c="red" disabled={model.usedBy.length > 0} onClick={() => void remove()}>
              Delete
            </Button>
          </>
        )}
      </PageHead>
      <Stack gap="lg" maw={860}>
        <Problems message={refused} />
        <UsedBy model={model} />
        <ModelForm model={model} locked={locked} />
      </Stack>
      {cloning && <Clone model={model} onClose={() => setCloning(false)} />}
    </>
  )
}

const NAMED = 5

function UsedBy({ model: { usedBy } }: { model: Model }) {
  const [all, setAll] = useState(false)
  if (!usedBy.length) {
    return (
      <Text size="sm" c="dimmed">
        No project uses it. Add it on the Routing tab of a project.
      </Text>
    )
  }
  return (
    <Text size="sm">
      Used by {count(usedBy.length)} {usedBy.length === 1 ? 'project' : 'projects'}:{' '}
      {usedBy.slice(0, all ? undefined : NAMED).map((slug, place) => (
        <span key={slug}>
          {place > 0 && ', '}
          <Anchor component={Link} to={`/projects/${slug}/routing`} inherit underline="always">
            {slug}
          </Anchor>
        </span>
      ))}
      {usedBy.length > NAMED && !all && (
        <>
          {' and '}
          <Anchor component="button" type="button" inherit underline="always" onClick={() => setAll(true)}>
            {count(usedBy.length - NAMED)} more
          </Anchor>
        </>
      )}
      . It can be deleted when no project uses it any more.
    </Text>
  )
}

function Clone({ model, onClose }: { model: Model; onClose: () => void }) {
  const navigate = useNavigate()
  const { change, checking } = useChange()
  const [id, setId] = useState(`${model.modelId}-copy`)
  const [upstream, setUpstream] = useState(model.upstreamName)
  const [outcome, setOutcome] = useState<Outcome<unknown>>()
  const problems = outcome?.kind === 'invalid' ? outcome.problems : []

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const made = await change({
      title: `Clone “${model.modelId}” as “${id}”`,
      creates: 'model_id',
      mutation: CLONE,
      input: {
        source: model.modelId,
        modelId: id.trim(),
        ...(upstream !== model.upstreamName && { upstreamName: upstream.trim() }),
      },
      readAt: model.revision ?? '',
    })
    setOutcome(made)
    if (made.kind !== 'done') return
    onClose()
    void navigate(`/models/${id.trim()}`)
  }

  return (
    <Dialog onClose={onClose} title={`A model like “${model.modelId}”`}>
      <form onSubmit={submit}>
        <Stack>
          <Problems
            message={outcome?.kind === 'refused' ? outcome.message : undefined}
            problems={problemsElsewhere(problems, 'model_id', 'upstream_name')}
          />
          <TextInput
            label="Id"
            required
            data-autofocus
            value={id}
            onChange={(event) => setId(event.currentTarget.value)}
            error={problemAt(problems, 'model_id')}
          />
          <TextInput
            label="Name at the provider"
            required
            value={upstream}
            onChange={(event) => setUpstream(event.currentTarget.value)}
            error={problemAt(problems, 'upstream_name')}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" disabled={!id.trim() || !upstream.trim()} loading={checking}>
              Review
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
