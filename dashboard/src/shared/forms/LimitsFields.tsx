/** Limits of one level, to edit: what they do to the inherited ones, and each limit with its window. */
import { ActionIcon, Button, Group, Select, Stack, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { problemAt, type Problem } from '../change'
import { AmountField } from './AmountField'
import { shownAmount } from './amounts'
import { METRICS, NEW_RULE, WINDOWS, type Limits, type Rule } from './limits'
import { NumberField } from './NumberField'

interface Props {
  value: Limits
  onChange: (value: Limits) => void
  /** Whether this level inherits anything that a mode could change. */
  withMode?: boolean
  /** What each mode means at this level, in a sentence. */
  meaning?: Record<Limits['mode'], string>
  problems?: readonly Problem[]
  /** Where the limits stand in their file, for finding problems: `limits`. */
  field?: string
  /** Whether the viewer may only look. */
  locked?: boolean
}

const MODES = [
  { value: 'REPLACE', label: 'Only these hold (replace)' },
  { value: 'EXTEND', label: 'These and the inherited hold (extend)' },
  { value: 'DISABLE', label: 'None hold from here outward (disable)' },
]

export function LimitsFields({
  value,
  onChange,
  withMode = false,
  meaning,
  problems = [],
  field = 'limits',
  locked = false,
}: Props) {
  const put = (place: number, rule: Rule): void =>
    onChange({ ...value, rules: value.rules.map((each, at) => (at === place ? rule : each)) })
  return (
    <Stack gap="xs">
      {withMode && (
        <Select
          label="Mode"
          description={meaning?.[value.mode]}
          allowDeselect={false}
          readOnly={locked}
          value={value.mode}
          onChange={(mode) => onChange({ ...value, mode: (mode ?? 'REPLACE') as Limits['mode'] })}
          data={MODES}
          maw={320}
        />
      )}
      {value.mode !== 'DISABLE' &&
        value.rules.map((rule, place) => (
          <RuleFields
            key={place}
            rule={rule}
            number={place + 1}
            locked={locked}
            error={problemAt(problems, `${field}.rules[${place}]`)}
            onChange={(changed) => put(place, changed)}
            onRemove={() => onChange({ ...value, rules: value.rules.filter((_, at) => at !== place) })}
          />
        ))}
      {value.mode !== 'DISABLE' && value.rules.length === 0 && (
        <Text size="sm" c="dimmed">
          No limit.
        </Text>
      )}
      {value.mode !== 'DISABLE' && !locked && (
        <Group>
          <Button
            variant="default"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange({ ...value, rules: [...value.rules, NEW_RULE] })}
          >
            Add a limit
          </Button>
        </Group>
      )}
    </Stack>
  )
}

interface RuleProps {
  rule: Rule
  number: number
  locked: boolean
  error: string | undefined
  onChange: (rule: Rule) => void
  onRemove: () => void
}

const UNITS = ['SECONDS', 'MINUTES', 'HOURS', 'DAYS', 'WEEKS', 'MONTHS'] as const
const WINDOW_CHOICES = [
  ...Object.entries(WINDOWS).map(([value, words]) => ({ value, label: `In ${words}, UTC` })),
  { value: 'ROLLING', label: 'In the last …' },
]
const options = (words: Record<string, string>): { value: string; label: string }[] =>
  Object.entries(words).map(([value, label]) => ({ value, label }))

function RuleFields({ rule, number, locked, error, onChange, onRemove }: RuleProps) {
  const { metric, value, window, rolling } = rule
  function framed(chosen: string | null): void {
    if (chosen === 'ROLLING') onChange({ ...rule, window: null, rolling: { length: 1, unit: 'HOURS' } })
    else onChange({ ...rule, window: chosen as Rule['window'], rolling: null })
  }
  return (
    <Group align="flex-start" gap="xs" role="group" aria-label={`Limit ${number}`}>
      <Select
        aria-label="What is limited"
        allowDeselect={false}
        readOnly={locked}
        value={metric}
        onChange={(chosen) => onChange({ ...rule, metric: (chosen ?? metric) as Rule['metric'] })}
        data={options(METRICS)}
        w={140}
      />
      <AmountField
        aria-label="At most"
        placeholder={metric === 'COST' ? shownAmount('5.00') : '1000'}
        required
        readOnly={locked}
        value={value}
        onChange={(typed) => onChange({ ...rule, value: typed })}
        error={error}
        w={120}
      />
      <Select
        aria-label="In which window"
        allowDeselect={false}
        readOnly={locked}
        value={rolling ? 'ROLLING' : window}
        onChange={framed}
        data={WINDOW_CHOICES}
        w={170}
      />
      {rolling && (
        <>
          <NumberField
            aria-label="Length of the window"
            min={1}
            readOnly={locked}
            value={rolling.length}
            onChange={(length) => onChange({ ...rule, rolling: { ...rolling, length: length || 1 } })}
            w={80}
          />
          <Select
            aria-label="Unit of the window"
            allowDeselect={false}
            readOnly={locked}
            value={rolling.unit}
            onChange={(unit) =>
              onChange({ ...rule, rolling: { ...rolling, unit: (unit ?? 'HOURS') as (typeof UNITS)[number] } })
            }
            data={UNITS.map((unit) => ({ value: unit, label: unit.toLowerCase() }))}
            w={110}
          />
        </>
      )}
      {!locked && (
        <ActionIcon color="red" size="input-xs" onClick={onRemove} aria-label={`Remove limit ${number}`}>
          <IconTrash size={14} aria-hidden />
        </ActionIcon>
      )}
    </Group>
  )
}
