/** The end of a project. */
import { Button, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useViewer } from '../../../app/Viewer'
import { Problems, useChange } from '../../../shared/change'
import { count } from '../../../shared/formats'
import { DELETE, type Project } from '../queries'

export function DeleteProject({ project }: { project: Project }) {
  const viewer = useViewer()
  const { change } = useChange()
  const navigate = useNavigate()
  const [refused, setRefused] = useState<string>()

  async function remove(): Promise<void> {
    const made = await change({
      title: `Delete the project “${project.name}”`,
      action: 'Delete',
      danger: true,
      warning: `Its ${count(project.tokenCount)} tokens stop working at once. What it did stays in logs and usage, and history has its files.`,
      mutation: DELETE,
      input: { slug: project.slug },
      readAt: project.revision ?? '',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
    if (made.kind === 'done') void navigate('/projects')
  }

  if (!viewer.may('project:delete', project.slug)) return null
  return (
    <Stack align="flex-start">
      <Title order={2}>Delete</Title>
      <Text size="sm">Everything that uses one of its tokens is refused from then on.</Text>
      <Problems message={refused} />
      <Button color="red" variant="outline" onClick={() => void remove()}>
        Delete this project…
      </Button>
    </Stack>
  )
}
