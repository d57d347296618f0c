/** Who is signed in, and the way out. */
import { ActionIcon, Group, Text, Tooltip } from '@mantine/core'
import { IconLogout } from '@tabler/icons-react'
import { useMutation } from 'urql'
import { graphql } from '../api/graphql'
import { signedOut } from '../api/session'
import { useViewer } from './Viewer'

const LOGOUT = graphql(`
  mutation Logout {
    logout {
      ended
    }
  }
`)

export function Who() {
  const viewer = useViewer()
  const [, logout] = useMutation(LOGOUT)
  return (
    <Group justify="space-between" wrap="nowrap" px="xs" pt="sm">
      <div style={{ minWidth: 0 }}>
        <Text size="xs" truncate>
          {viewer.name || viewer.email}
        </Text>
        <Text size="xs" c="dimmed">
          {viewer.role}
        </Text>
      </div>
      <Tooltip label="Sign out">
        <ActionIcon aria-label="Sign out" onClick={() => void logout({}).then(signedOut)}>
          <IconLogout size={16} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
    </Group>
  )
}
