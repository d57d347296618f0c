/** A secret that is in one answer and nowhere else: shown, copied, and forgotten when the dialog closes. */
import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core'
import { Dialog } from '../Dialog'

interface Props {
  title: string
  value: string
  /** What to do with it, in a sentence. */
  hint: string
  onClose: () => void
}

export function ShownOnce({ title, value, hint, onClose }: Props) {
  return (
    <Dialog onClose={onClose} title={title} closeOnClickOutside={false} closeOnEscape={false} size="lg">
      <Stack>
        <Alert color="yellow">It is shown this once. Copy it now: nobody can show it again.</Alert>
        <Code block style={{ wordBreak: 'break-all', whiteSpace: 'pre-wrap' }} data-testid="shown-once">
          {value}
        </Code>
        <Text size="sm">{hint}</Text>
        <Group justify="flex-end">
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy} aria-live="polite">
                {copied ? 'Copied' : 'Copy'}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>I have copied it</Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
