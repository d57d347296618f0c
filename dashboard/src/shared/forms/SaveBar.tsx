/** What is under a form with edits: save, discard, and whether somebody changed the same meanwhile. */
import { Alert, Button, Group, Text } from '@mantine/core'
import { Unsaved } from '../change'

interface Props {
  dirty: boolean
  outdated: boolean
  busy: boolean
  onSave: () => void
  onDiscard: () => void
}

export function SaveBar({ dirty, outdated, busy, onSave, onDiscard }: Props) {
  return (
    <>
      <Unsaved dirty={dirty} />
      {outdated && (
        <Alert color="yellow" role="status">
          Somebody changed this while you were editing. Saving shows both versions; nothing is overwritten unseen.
        </Alert>
      )}
      <Group mih={30}>
        <Button onClick={onSave} disabled={!dirty} loading={busy}>
          Save…
        </Button>
        {dirty && (
          <>
            <Button variant="default" onClick={onDiscard}>
              Discard
            </Button>
            <Text size="sm" c="dimmed" role="status">
              Unsaved edits
            </Text>
          </>
        )}
      </Group>
    </>
  )
}
