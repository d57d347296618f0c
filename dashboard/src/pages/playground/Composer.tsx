/** What is sent: a text, perhaps with an image. Enter sends, Shift and Enter makes a line. */
import { ActionIcon, Button, FileButton, Group, Image, Stack, Text, Textarea } from '@mantine/core'
import { IconPhoto, IconPlayerStop, IconSend, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import type { Message } from './chat'

interface Props {
  busy: boolean
  /** Why nothing can be sent yet, in a sentence. */
  blocked: string | null
  onSend: (message: Message) => void
  onStop: () => void
}

const LARGEST_IMAGE = 15 * 1024 * 1024

export function Composer({ busy, blocked, onSend, onStop }: Props) {
  const [text, setText] = useState('')
  const [image, setImage] = useState<string>()
  const [problem, setProblem] = useState<string>()

  function send(): void {
    if (busy || blocked || !text.trim()) return
    onSend({ role: 'user', text: text.trim(), ...(image && { image }) })
    setText('')
    setImage(undefined)
  }

  function attach(file: File | null): void {
    if (!file) return
    setProblem(file.size > LARGEST_IMAGE ? 'The image is larger than 15 MB.' : undefined)
    if (file.size > LARGEST_IMAGE) return
    const reader = new FileReader()
    reader.onload = () => setImage(reader.result as string)
    reader.readAsDataURL(file)
  }

  return (
    <Stack gap="xs">
      {image && (
        <Group gap="xs">
          <Image src={image} alt="To be sent with the message" h={56} w="auto" radius="sm" />
          <ActionIcon aria-label="Remove the image" onClick={() => setImage(undefined)}>
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Group>
      )}
      <Textarea
        aria-label="Message"
        placeholder="Ask something"
        autosize
        minRows={2}
        maxRows={10}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
          event.preventDefault()
          send()
        }}
        error={problem}
      />
      <Group>
        <FileButton accept="image/png,image/jpeg,image/gif,image/webp" onChange={attach}>
          {(props) => (
            <Button {...props} variant="default" leftSection={<IconPhoto size={14} aria-hidden />}>
              Image
            </Button>
          )}
        </FileButton>
        {busy ? (
          <Button color="red" leftSection={<IconPlayerStop size={14} aria-hidden />} onClick={onStop}>
            Stop
          </Button>
        ) : (
          <Button
            leftSection={<IconSend size={14} aria-hidden />}
            onClick={send}
            disabled={Boolean(blocked) || !text.trim()}
          >
            Send
          </Button>
        )}
        {blocked && (
          <Text size="sm" c="dimmed">
            {blocked}
          </Text>
        )}
      </Group>
    </Stack>
  )
}
