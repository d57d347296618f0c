/** An empty state: what would be here, and what to do first. */
import { Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  title: string
  /** What to do first, in a sentence. */
  hint: ReactNode
  /** The button that does it. */
  children?: ReactNode
}

export function Empty({ title, hint, children }: Props) {
  return (
    <Stack align="center" gap="xs" py="xl" ta="center">
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed" maw={460}>
        {hint}
      </Text>
      {children}
    </Stack>
  )
}
