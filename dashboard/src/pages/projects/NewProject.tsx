/** A new project: a name is enough, the slug follows from it. */
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { useNavigate } from 'react-router'
import { problemAt, Problems, problemsElsewhere, useChange, type Problem } from '../../shared/change'
import { Dialog } from '../../shared/Dialog'
import { CREATE } from './queries'

const FIELDS = ['name', 'slug', 'description']

export function NewProject({ readAt, onClose }: { readAt: string; onClose: () => void }) {
  const { change, checking } = useChange()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [slug, setSlug] = useState('')
  const [description, setDescription] = useState('')
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const made = await change({
      title: `Create the project “${name}”`,
      action: 'Create',
      creates: 'slug',
      mutation: CREATE,
      input: { name, ...(slug && { slug }), ...(description && { description }) },
      readAt,
    })
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    if (made.kind !== 'done') return
    onClose()
    const created = made.data.projectCreate
    if (created.__typename === 'ProjectCreated') void navigate(`/projects/${created.project.slug}/routing`)
  }

  return (
    <Dialog onClose={onClose} title="New project">
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            description="What people call it"
            data-autofocus
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={problemAt(problems, 'name')}
          />
          <TextInput
            label="Slug"
            description="In addresses and files; cannot be changed later. Left empty, it is made from the name."
            placeholder={slugOf(name)}
            value={slug}
            onChange={(event) => setSlug(event.currentTarget.value)}
            error={problemAt(problems, 'slug')}
          />
          <TextInput
            label="Description"
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            error={problemAt(problems, 'description')}
          />
          <Problems problems={problemsElsewhere(problems, ...FIELDS)} message={refused} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={checking}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

/** What the slug will be, near enough to show; the API decides. */
const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
