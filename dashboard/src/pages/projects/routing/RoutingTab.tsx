/** Which models the project uses and how one is chosen; and what a request would get, before anything is saved. */
import { Divider, Stack } from '@mantine/core'
import { useState } from 'react'
import { useQuery } from 'urql'
import { useViewer } from '../../../app/Viewer'
import { useModelChoices, type KnownModel } from '../../../shared/choices'
import { Problems, useChange, type Problem } from '../../../shared/change'
import { useConfiguration } from '../../../shared/configuration'
import { SaveBar } from '../../../shared/forms/SaveBar'
import { useDraft } from '../../../shared/forms/useDraft'
import { Loaded } from '../../../shared/Loaded'
import type { TabProps } from '../ProjectPage'
import { routingDraft, routingFile, routingInput } from './draft'
import { ModelList } from './ModelList'
import { PolicyBoard } from './PolicyBoard'
import { PALETTE, ROUTING, ROUTING_UPDATE, type PolicyKind, type RoutedProject } from './queries'
import { TryIt } from './TryIt'

export default function RoutingTab({ project: { slug } }: TabProps) {
  const palette = useQuery({ query: PALETTE, requestPolicy: 'cache-first' })
  const known = useModelChoices()
  const answer = useConfiguration({ query: ROUTING, variables: { slug } })
  return (
    <Loaded of={palette}>
      {({ policies }) => (
        <Loaded of={answer}>
          {({ project }) => project && <Routing project={project} known={known} palette={policies} />}
        </Loaded>
      )}
    </Loaded>
  )
}

interface Props {
  project: RoutedProject
  known: readonly KnownModel[]
  palette: readonly PolicyKind[]
}

function Routing({ project, known, palette }: Props) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  const draft = useDraft(routingDraft(project), project.revision ?? '')
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()
  const locked = !viewer.may('project:write', project.slug)
  const path = `projects/${project.slug}/routing.yaml`

  async function save(): Promise<void> {
    const made = await change({
      title: `Change the routing of “${project.slug}”`,
      mutation: ROUTING_UPDATE,
      input: routingInput(project.slug, draft.from, draft.value),
      readAt: draft.readAt,
    })
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    if (made.kind === 'done') draft.saved()
    if (made.kind === 'theirs') draft.reset()
  }

  const bar = (
    <SaveBar
      dirty={draft.dirty}
      outdated={draft.outdated}
      busy={checking}
      onSave={() => void save()}
      onDiscard={draft.reset}
    />
  )
  const elsewhere = problems.filter(({ field }) => !field || !/^(models|policies)\[\d+\]\.(limits|\w)/.test(field))
  return (
    <Stack gap="lg">
      <ModelList
        path={path}
        models={draft.value.models}
        known={known}
        onChange={(models) => draft.set({ models })}
        problems={problems}
        locked={locked}
        limitsLocked={!viewer.may('limit:write', project.slug)}
      />
      <Divider />
      <PolicyBoard
        path={path}
        policies={draft.value.policies}
        palette={palette}
        models={known.map(({ modelId }) => modelId)}
        onChange={(policies) => draft.set({ policies })}
        problems={problems}
        locked={locked}
      />
      <Problems problems={elsewhere} message={refused} />
      {!locked && bar}
      <Divider />
      <TryIt slug={project.slug} routing={draft.dirty ? routingFile(draft.value) : null} />
    </Stack>
  )
}
