/** What is under a form with edits, always in sight: save, discard, and whether somebody changed the same meanwhile. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { Unsaved } from '../change'
import classes from './SaveBar.module.css'

interface Props {
  dirty: boolean
  outdated: boolean
  busy: boolean
  /** Whether something that was typed cannot be sent as it is. */
  blocked?: boolean
  onSave: () => void
  onDiscard: () => void
}

export function SaveBar({ dirty, outdated, busy, blocked = false, onSave, onDiscard }: Props) {
  return (
    <Stack className={classes.bar} gap="xs">
      <Unsaved dirty={dirty} />
      {outdated && (
        <Alert color="yellow" role="status">
          Somebody changed this while you were editing. Saving shows both versions; nothing is overwritten unseen.
        </Alert>
      )}
      <Group mih={30}>
        <Button onClick={onSave} disabled={!dirty || blocked} loading={busy}>
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
    </Stack>
  )
}
