/** A part of the dashboard that did not arrive: Waybill does not answer, or was updated, or the way to it was broken once. */
import { Alert, Button, Container, Stack, Text } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Waiting } from '../shared/Waiting'

const ASKED_EVERY_MS = 2_000

type Cause = 'unknown' | 'away' | 'updated' | 'interrupted'

const WORDS: Record<Exclude<Cause, 'unknown'>, [title: string, text: string, button: string]> = {
  away: ['Waybill does not answer', 'It may be restarting. This page is loaded as soon as it is back.', 'Try again'],
  updated: ['Waybill was updated', 'Load the page again to get the new version.', 'Load again'],
  interrupted: ['This page did not load', 'A part of it did not arrive, though Waybill is there.', 'Try again'],
}

/** Whether the error is of a script or a style that was to be loaded. Each browser has words of its own. */
export function didNotLoad({ message }: Error): boolean {
  return /dynamically imported module|Importing a module script failed|Unable to preload CSS/.test(message)
}

export function NotLoaded() {
  const [cause, setCause] = useState<Cause>('unknown')
  useEffect(() => {
    if (cause !== 'unknown' && cause !== 'away') return
    let over = false
    async function look(): Promise<void> {
      const found = await causeNow()
      if (over) return
      // A browser may keep what failed: only a new page asks for it again.
      if (cause === 'away' && found !== 'away') location.reload()
      else setCause(found)
    }
    if (cause === 'unknown') void look()
    const timer = setInterval(() => void look(), ASKED_EVERY_MS)
    return () => {
      over = true
      clearInterval(timer)
    }
  }, [cause])

  if (cause === 'unknown') return <Waiting />
  const [title, text, button] = WORDS[cause]
  return (
    <Container size="sm" py="xl">
      <Alert color={cause === 'away' ? 'yellow' : 'red'} title={title} role="alert">
        <Stack align="flex-start">
          <Text size="sm">{text}</Text>
          <Button variant="default" onClick={() => location.reload()}>
            {button}
          </Button>
        </Stack>
      </Alert>
    </Container>
  )
}

/** After an update of Waybill the scripts of the former version are gone, and the page names others. */
async function causeNow(): Promise<Cause> {
  try {
    const answer = await fetch('/', { cache: 'no-store' })
    if (!answer.ok) return 'away'
    const page = await answer.text()
    const mine = document.querySelector('script[type="module"][src]')?.getAttribute('src') ?? ''
    return page.includes(mine) ? 'interrupted' : 'updated'
  } catch {
    return 'away'
  }
}
