/** A project's name, timeouts, budget and connection, and its end. */
import { Alert, Divider, Grid, Stack } from '@mantine/core'
import { useState } from 'react'
import { useViewer } from '../../../app/Viewer'
import { Problems, problemsElsewhere, useChange, type Problem } from '../../../shared/change'
import { SaveBar } from '../../../shared/forms/SaveBar'
import { useDraft } from '../../../shared/forms/useDraft'
import type { TabProps } from '../ProjectPage'
import { UPDATE } from '../queries'
import { BudgetFields } from './BudgetFields'
import { Connection } from './Connection'
import { DeleteProject } from './DeleteProject'
import { generalValues, updateInput } from './draft'
import { IdentityFields } from './IdentityFields'

const FIELDS = ['name', 'description', 'timeouts', 'limits', 'defaultMaxOutputTokens']

export default function GeneralTab({ project, inheritedTimeoutMs }: TabProps) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  const draft = useDraft(generalValues(project), project.revision ?? '')
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()
  const mayWrite = viewer.may('project:write', project.slug)
  const mayLimit = viewer.may('limit:write', project.slug)

  async function save(): Promise<void> {
    const made = await change({
      title: `Change the project “${project.name}”`,
      mutation: UPDATE,
      input: updateInput(project.slug, draft.from, draft.value),
      readAt: draft.readAt,
    })
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    if (made.kind === 'done') draft.saved()
    if (made.kind === 'theirs') draft.reset()
  }

  const fields = { project, values: draft.value, onChange: draft.set, problems }
  return (
    <Grid gutter="xl">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Stack gap="lg">
          <Locked mayWrite={mayWrite} mayLimit={mayLimit} />
          <IdentityFields {...fields} inheritedTimeoutMs={inheritedTimeoutMs} locked={!mayWrite} />
          <Divider />
          <BudgetFields {...fields} locked={!mayLimit} />
          <Problems problems={problemsElsewhere(problems, ...FIELDS)} message={refused} />
          {(mayWrite || mayLimit) && (
            <SaveBar
              dirty={draft.dirty}
              outdated={draft.outdated}
              busy={checking}
              onSave={() => void save()}
              onDiscard={draft.reset}
            />
          )}
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Stack gap="lg">
          <Connection info={project.connectionInfo} slug={project.slug} />
          <Divider />
          <DeleteProject project={project} />
        </Stack>
      </Grid.Col>
    </Grid>
  )
}

function Locked({ mayWrite, mayLimit }: { mayWrite: boolean; mayLimit: boolean }) {
  if (mayWrite && mayLimit) return null
  return (
    <Alert role="note">
      {mayWrite
        ? 'You may look at the budget and the other limits; changing them takes the permission limit:write.'
        : mayLimit
          ? 'You may look at everything here, and change the budget and the other limits.'
          : 'You may look at this project; changing it takes the permission project:write.'}
    </Alert>
  )
}
