/** Progress for what takes longer than a second; what is faster shows nothing, so that nothing flickers. */
import { Group, Loader, Text } from '@mantine/core'
import { useEffect, useState } from 'react'

const SHOWN_AFTER_MS = 400

export function Waiting({ what = 'Loading…' }: { what?: string }) {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <Group role="status" py="sm" mih={40}>
      {shown && (
        <>
          <Loader size="xs" />
          <Text size="sm" c="dimmed">
            {what}
          </Text>
        </>
      )}
    </Group>
  )
}
