/** A page's title with what can be done on it; the document's title follows. */
import { Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

interface Props {
  title: string
  /** One sentence under the title. */
  about?: ReactNode
  /** Buttons, at the right. */
  children?: ReactNode
}

export function PageHead({ title, about, children }: Props) {
  return (
    <Group justify="space-between" align="flex-start" mb="lg">
      <title>{`${title} · Waybill`}</title>
      <div>
        <Title order={1} style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
        {about && (
          <Text c="dimmed" size="sm">
            {about}
          </Text>
        )}
      </div>
      <Group>{children}</Group>
    </Group>
  )
}
