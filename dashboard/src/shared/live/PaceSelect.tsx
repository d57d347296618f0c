/** How a live table is kept up to date: by subscription or at an interval. The choice is kept in this browser. */
import { Group, Select, Text } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { memo } from 'react'
import type { Connection } from '../../api/subscriptions'
import type { Pace } from './reader'

const PACES: { value: string; label: string; pace: Pace }[] = [
  { value: 'live', label: 'Live', pace: 'live' },
  { value: '5', label: '5 s', pace: 5_000 },
  { value: '15', label: '15 s', pace: 15_000 },
  { value: '30', label: '30 s', pace: 30_000 },
  { value: '60', label: '1 min', pace: 60_000 },
  { value: '300', label: '5 min', pace: 300_000 },
  { value: 'off', label: 'Off', pace: 'off' },
]

/** The chosen pace, its name, and how to choose another. */
export function usePace(): [Pace, string, (name: string) => void] {
  const [name, setName] = useLocalStorage({
    key: 'waybill-log-pace',
    defaultValue: 'live',
    // At once: who chose to have none is not followed for a moment first.
    getInitialValueInEffect: false,
  })
  return [PACES.find(({ value }) => value === name)?.pace ?? 'live', name, setName]
}

interface Props {
  name: string
  onChoose: (name: string) => void
  connection: Connection
}

const WORDS: Record<Connection, string> = {
  live: 'live',
  connecting: 'connecting…',
  away: 'not connected, trying again…',
}

/** Drawn when it says something else, not at each row that comes. */
export const PaceSelect = memo(function PaceSelect({ name, onChoose, connection }: Props) {
  return (
    <Group gap="xs" wrap="nowrap">
      {name === 'live' && (
        <Text size="xs" role="status" {...(connection === 'away' && { c: 'red' })}>
          {WORDS[connection]}
        </Text>
      )}
      <Select
        aria-label="Refresh"
        w={90}
        allowDeselect={false}
        data={PACES.map(({ value, label }) => ({ value, label }))}
        value={name}
        onChange={(chosen) => onChoose(chosen ?? 'live')}
      />
    </Group>
  )
})
