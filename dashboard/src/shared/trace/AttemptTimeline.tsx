/** Each upstream call on one time line: when it began, its first byte, its end, and how it ended. */
import { Box, Code, Group, Stack, Text } from '@mantine/core'
import { duration, money } from '../formats'
import { StatusBadge } from '../live/StatusBadge'
import type { Attempt } from './queries'

interface Props {
  attempts: readonly Attempt[]
  totalMs: number
}

export function AttemptTimeline({ attempts, totalMs }: Props) {
  if (attempts.length === 0) return <Text size="sm">None: the request was refused before a model was called.</Text>
  const span = Math.max(totalMs, ...attempts.map(({ endedMs }) => endedMs), 1)
  return (
    <Stack component="ol" gap="sm" p={0} m={0}>
      {attempts.map((attempt, place) => (
        <Box component="li" key={place} style={{ listStyle: 'none' }}>
          <Group gap="sm" mb={4}>
            <Text size="sm" fw={500}>
              {place + 1}. {attempt.model}
            </Text>
            <Text size="xs" c="dimmed">
              {attempt.provider}
            </Text>
            <StatusBadge status={attempt.status} />
            {attempt.httpStatus !== null && <Text size="xs">HTTP {attempt.httpStatus}</Text>}
            <Text size="xs" className="figures">
              {words(attempt)}
            </Text>
          </Group>
          <Span attempt={attempt} span={span} />
          {attempt.error && <Code mt={4}>{attempt.error}</Code>}
        </Box>
      ))}
    </Stack>
  )
}

function words({ startedMs, firstByteMs, endedMs, cost, status }: Attempt): string {
  if (status === 'skipped') return 'not called'
  const first = firstByteMs === null ? '' : `, first byte ${duration(firstByteMs)}`
  return `began ${duration(startedMs)}${first}, ended ${duration(endedMs)}${cost === null ? '' : `, ${money(cost)}`}`
}

const COLOR: Record<string, string> = { success: 'green', error: 'red', timeout: 'orange', cancelled: 'gray' }

function Span({ attempt: { startedMs, firstByteMs, endedMs, status }, span }: { attempt: Attempt; span: number }) {
  const at = (ms: number): string => `${(100 * ms) / span}%`
  const color = COLOR[status] ?? 'gray'
  const waited = Math.max(0, (firstByteMs ?? endedMs) - startedMs)
  return (
    <Box h={8} pos="relative" style={{ background: 'var(--mantine-color-default-hover)', borderRadius: 2 }} aria-hidden>
      <Bar left={at(startedMs)} width={at(waited)} color={`var(--mantine-color-${color}-light)`} />
      {firstByteMs !== null && (
        <Bar left={at(firstByteMs)} width={at(endedMs - firstByteMs)} color={`var(--mantine-color-${color}-filled)`} />
      )}
    </Box>
  )
}

function Bar({ left, width, color }: { left: string; width: string; color: string }) {
  return <Box pos="absolute" top={0} bottom={0} miw={2} style={{ left, width, background: color, borderRadius: 2 }} />
}
