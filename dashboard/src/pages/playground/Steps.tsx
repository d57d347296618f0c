/** How far a request is: routed, each attempt, its first byte, the end. */
import { Stack, Text } from '@mantine/core'
import { duration } from '../../shared/formats'
import type { Step } from './useProgress'

const WORDS: Record<Step['kind'], string> = {
  ROUTED: 'routed',
  ATTEMPT: 'asked',
  FIRST_BYTE: 'first byte of',
  ATTEMPT_ENDED: 'over:',
  ENDED: 'the request is over:',
}

export function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <Stack component="ol" gap={2} m={0} pl="md" aria-label="Progress">
      {steps.map((step, place) => (
        <Text component="li" size="xs" className="figures" key={place}>
          {[
            duration(step.elapsedMs),
            step.cause && 'for a policy:',
            WORDS[step.kind],
            step.model,
            step.status,
            step.error,
          ]
            .filter(Boolean)
            .join(' ')}
        </Text>
      ))}
    </Stack>
  )
}
