/** Gives a token another value; the former one stops at once, or after a while in which both work. */
import { Button, Group, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { Problems, useChange } from '../../../shared/change'
import { Dialog } from '../../../shared/Dialog'
import { TOKEN_REGENERATE, type Token, type TokensProject } from './queries'

interface Props {
  project: TokensProject
  token: Token
  onClose: () => void
  onMade: (value: string) => void
}

const GRACES = [
  { value: '0', label: 'Stops at once' },
  { value: '300', label: 'Works on for 5 minutes' },
  { value: '3600', label: 'Works on for an hour' },
  { value: '86400', label: 'Works on for a day' },
  { value: '604800', label: 'Works on for a week' },
]

export function Regenerate({ project, token, onClose, onMade }: Props) {
  const { change, checking } = useChange()
  const [grace, setGrace] = useState('0')
  const [refused, setRefused] = useState<string>()
  const earlier = token.formerValidUntil && new Date(token.formerValidUntil) > new Date()

  async function regenerate(): Promise<void> {
    const made = await change({
      title: `Re-generate the token “${token.name}”`,
      action: 'Re-generate',
      danger: grace === '0',
      warning:
        grace === '0' ? 'Applications that use the former value are refused at once.' : 'Both values work until then.',
      mutation: TOKEN_REGENERATE,
      input: { project: project.slug, token: token.token, ...(grace !== '0' && { graceSeconds: Number(grace) }) },
      readAt: project.revision ?? '',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
    if (made.kind !== 'done') return
    onClose()
    const answer = made.data.tokenRegenerate
    if (answer.__typename === 'TokenRegenerated' && answer.value) onMade(answer.value)
  }

  return (
    <Dialog onClose={onClose} title={`Re-generate “${token.name}”`}>
      <Stack>
        <Text size="sm">It gets a new value, which is shown once. What it used of its limits stays.</Text>
        <Select
          label="The former value"
          data={GRACES}
          allowDeselect={false}
          value={grace}
          onChange={(value) => setGrace(value ?? '0')}
        />
        {earlier && (
          <Text size="sm" c="orange">
            The value before this one still works, in its grace: it stops at once, whatever is chosen here.
          </Text>
        )}
        <Problems message={refused} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button onClick={() => void regenerate()} loading={checking} data-autofocus>
            Re-generate…
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
