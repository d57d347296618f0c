/** A field of a form with, beside it, who set what it shows. */
import { Box, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import { SetBy } from '../history/SetBy'

interface Props {
  path: string
  field: string
  label: string
  children: ReactNode
}

export function Setting({ path, field, label, children }: Props) {
  return (
    <Group gap={4} align="flex-start" wrap="nowrap">
      <Box flex={1} miw={0}>
        {children}
      </Box>
      <SetBy path={path} field={field} label={label} />
    </Group>
  )
}
