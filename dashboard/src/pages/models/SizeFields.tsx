/** How much a model takes and gives, and what it is declared to be able to do. */
import { Group, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core'
import { useId } from 'react'
import { problemAt, type Problem } from '../../shared/change'
import { NumberField } from '../../shared/forms/NumberField'
import { SetBy } from '../../shared/history/SetBy'
import type { Draft } from './draft'
import { CAPABILITIES, CAPABILITY_NAMES, type Capability } from './words'

interface Props {
  draft: Draft
  put: (part: Partial<Draft>) => void
  problems: readonly Problem[]
  locked: boolean
  path: string
}

const SIZES = [
  ['contextWindow', 'context_window', 'Context window'],
  ['maxOutputTokens', 'max_output_tokens', 'Most output'],
] as const

export function SizeFields({ draft, put, problems, locked, path }: Props) {
  return (
    <Group align="flex-end">
      {SIZES.map(([name, field, label]) => (
        <Group key={name} gap="xs" align="flex-end">
          <NumberField
            label={label}
            placeholder="not declared"
            suffix=" tokens"
            min={1}
            readOnly={locked}
            value={draft[name]}
            onChange={(typed) => put({ [name]: typed })}
            error={problemAt(problems, field)}
          />
          <SetBy path={path} field={field} label={label} />
        </Group>
      ))}
    </Group>
  )
}

export function AbilityFields({ draft, put, locked }: Props) {
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
      {CAPABILITY_NAMES.map((name) => (
        <Ability
          key={name}
          name={name}
          value={draft.capabilities[name]}
          locked={locked}
          onChange={(value) => put({ capabilities: { ...draft.capabilities, [name]: value } })}
        />
      ))}
    </SimpleGrid>
  )
}

interface AbilityProps {
  name: Capability
  value: boolean | null
  locked: boolean
  onChange: (value: boolean | null) => void
}

const asWord = (value: boolean | null): string => (value === null ? '' : value ? 'yes' : 'no')

function Ability({ name, value, locked, onChange }: AbilityProps) {
  const id = useId()
  return (
    <Group justify="space-between" maw={340}>
      <Stack gap={0}>
        <Text size="sm" id={id}>
          {CAPABILITIES[name]}
        </Text>
      </Stack>
      <SegmentedControl
        aria-labelledby={id}
        disabled={locked}
        value={asWord(value)}
        onChange={(word) => onChange(word === '' ? null : word === 'yes')}
        data={[
          { value: 'yes', label: 'Yes' },
          { value: 'no', label: 'No' },
          { value: '', label: 'Not declared' },
        ]}
      />
    </Group>
  )
}
