/** How a request ended, in its word; the colour only repeats it. */
import { Badge } from '@mantine/core'

export const STATUS_COLORS: Record<string, string> = {
  success: 'green',
  error: 'red',
  timeout: 'orange',
  budget_exceeded: 'yellow',
  rejected: 'gray',
  cancelled: 'gray',
  skipped: 'gray',
}

export function StatusBadge({ status }: { status: string }) {
  return (
    <Badge variant="dot" size="sm" tt="none" fw={500} color={STATUS_COLORS[status] ?? 'gray'}>
      {status}
    </Badge>
  )
}
