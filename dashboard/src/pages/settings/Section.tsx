/** A part of the settings, with who set it. */
import { Group, Paper, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { SetBy } from '../../shared/history/SetBy'

interface Props {
  title: string
  about?: string
  /** The field of waybill.yaml that the whole part is. */
  setBy?: string
  children: ReactNode
}

export function Section({ title, about, setBy, children }: Props) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Group gap="xs">
        <Title order={2}>{title}</Title>
        {setBy && <SetBy path="waybill.yaml" field={setBy} label={title} />}
      </Group>
      {about && (
        <Text size="sm" c="dimmed">
          {about}
        </Text>
      )}
      <div style={{ marginTop: 8 }}>{children}</div>
    </Paper>
  )
}
