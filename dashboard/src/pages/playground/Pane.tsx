/** A conversation with its trace beside it. */
import { Alert, Anchor, Autocomplete, Box, Grid, Group, Image, Loader, Paper, Stack, Text } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { Link } from 'react-router'
import { duration } from '../../shared/formats'
import type { Message } from './chat'
import { LiveTrace } from './LiveTrace'
import { PREFERENCE } from './Routing'
import type { Conversation } from './useConversation'
import type { Step } from './useProgress'

interface Props {
  label: string
  conversation: Conversation
  model: string
  models: string[]
  onModel: (model: string) => void
  /** Whether another pane stands beside it: the trace is below then. */
  narrow: boolean
  steps: readonly Step[]
  /** Whether the project's routing takes the name into account; undefined while nobody knows. */
  counted: boolean | undefined
}

export function Pane({ label, conversation, model, models, onModel, narrow, steps, counted }: Props) {
  const { reply, busy, timing, problem } = conversation
  return (
    <Paper withBorder p="md" component="section" aria-label={label}>
      <Group justify="space-between" mb="sm" align="flex-end">
        <Autocomplete
          label="Model"
          description="A name is a wish: the project’s routing decides; model-preference counts it."
          placeholder="auto"
          data={models}
          value={model}
          onChange={onModel}
          disabled={busy}
          w={280}
          size="xs"
        />
        {timing && (
          <Text size="xs" c="dimmed" className="figures">
            first text {duration(timing.first)} · all {duration(timing.total)}
          </Text>
        )}
      </Group>
      <Grid gutter="md">
        <Grid.Col span={narrow ? 12 : { base: 12, lg: 7 }}>
          <Messages messages={conversation.messages} busy={busy} />
          {reply?.model && model.trim() && model.trim() !== 'auto' && reply.model !== model.trim() && (
            <Text size="xs" c="dimmed" mt="xs">
              The routing chose {reply.model}
              {counted ? (
                ': the scores say what weighed more than the name.'
              ) : (
                <>
                  . For the name to count, give the project the policy{' '}
                  <Anchor component={Link} to={`/docs/concepts-routing#${PREFERENCE}`} inherit underline="always">
                    {PREFERENCE}
                  </Anchor>
                  .
                </>
              )}
            </Text>
          )}
          {problem && (
            <Alert color="red" role="alert" mt="sm">
              {problem}
            </Alert>
          )}
        </Grid.Col>
        <Grid.Col span={narrow ? 12 : { base: 12, lg: 5 }}>
          <LiveTrace key={reply?.traceId} reply={reply} busy={busy} steps={steps} />
        </Grid.Col>
      </Grid>
    </Paper>
  )
}

function Messages({ messages, busy }: { messages: readonly Message[]; busy: boolean }) {
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // Newer browsers answer with a promise, which an effect must not.
    void end.current?.scrollIntoView({ block: 'nearest' })
  }, [messages])
  const awaiting = busy && messages.at(-1)?.role === 'user'
  return (
    <Box
      mah={480}
      mih={120}
      style={{ overflowY: 'auto' }}
      role="log"
      aria-label="Conversation"
      aria-busy={busy}
      tabIndex={0}
    >
      <Stack gap="sm">
        {messages.map(({ role, text, image }, place) => (
          <div key={place}>
            <Text size="xs" c="dimmed">
              {role === 'user' ? 'You' : 'Answer'}
            </Text>
            {image && <Image src={image} alt="Sent with the message" h={96} w="auto" radius="sm" />}
            <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {text}
            </Text>
          </div>
        ))}
        {awaiting && <Loader size="xs" type="dots" aria-label="Waiting for the answer" />}
        <div ref={end} />
      </Stack>
    </Box>
  )
}
