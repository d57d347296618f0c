/** Asks before something is done to people or keys: what is needed for it, why, and, where it failed, what was wrong. */
import { Alert, Button, Group, Stack, Textarea } from '@mantine/core'
import { useState, type ReactNode, type SubmitEvent } from 'react'
import { Dialog } from '../Dialog'
import type { Refusal } from './refusals'

interface Props {
  title: string
  /** What the button says; it names the deed. */
  action: string
  /** Whether the deed takes something away for good. */
  grave?: boolean
  /** Whether it cannot be done yet, such as for a missing field. */
  blocked?: boolean
  onClose: () => void
  /** Does it; resolves to why it was refused, or to nothing. Closing afterwards is its caller's. */
  onAsk: (reason: string) => Promise<Refusal | undefined>
  children?: ReactNode | ((why: Refusal | undefined) => ReactNode)
}

export function AskDialog({ title, action, grave = false, blocked = false, onClose, onAsk, children }: Props) {
  const [reason, setReason] = useState('')
  const [why, setWhy] = useState<Refusal>()
  const [busy, setBusy] = useState(false)

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    setBusy(true)
    setWhy(await onAsk(reason.trim()))
    setBusy(false)
  }

  return (
    <Dialog onClose={onClose} title={title} closeOnClickOutside={reason === ''}>
      <form onSubmit={submit} autoComplete="off">
        <Stack>
          {typeof children === 'function' ? children(why) : children}
          <Textarea
            label="Reason"
            description="Kept in the audit log."
            required
            autosize
            minRows={2}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {why && (
            <Alert color="red" role="alert">
              {why.message}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy} disabled={blocked || !reason.trim()} {...(grave && { color: 'red' })}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
