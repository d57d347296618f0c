/** The settings that are a number or a choice. */
import { Group, Radio, SimpleGrid, Stack } from '@mantine/core'
import { problemAt, type Problem } from '../../shared/change'
import { SetBy } from '../../shared/history/SetBy'
import { count, duration } from '../../shared/formats'
import { NumberField } from '../../shared/forms/NumberField'
import type { Draft } from './draft'
import { Section } from './Section'

export interface FieldsProps {
  draft: Draft
  put: (part: Partial<Draft>) => void
  problems: readonly Problem[]
  /** Whether the viewer may only look. */
  locked: boolean
}

interface FigureProps {
  label: string
  help: string
  /** As waybill.yaml names it. */
  field: string
  value: number | null
  /** What holds where nothing is given. */
  otherwise?: string
  suffix: string
  problems: readonly Problem[]
  locked: boolean
  onChange: (value: number | null) => void
}

function Figure({ label, help, field, value, otherwise, suffix, problems, locked, onChange }: FigureProps) {
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap">
      <NumberField
        style={{ flex: 1 }}
        label={label}
        description={suffix === ' ms' && value ? `${help} ${duration(value)}.` : help}
        placeholder={otherwise}
        suffix={suffix}
        min={1}
        readOnly={locked}
        value={value}
        onChange={onChange}
        error={problemAt(problems, field)}
      />
      <SetBy path="waybill.yaml" field={field} label={label} />
    </Group>
  )
}

const TIMEOUTS: [keyof Draft['timeouts'], string, string, string, string][] = [
  ['timeoutMs', 'timeout_ms', 'Request', 'The whole request, every attempt included.', `${count(600_000)} ms`],
  [
    'attemptTimeoutMs',
    'attempt_timeout_ms',
    'Attempt',
    'One attempt, to its first content.',
    `${count(30_000)} ms streamed, ${count(120_000)} ms not`,
  ],
  ['idleTimeoutMs', 'idle_timeout_ms', 'Idle', 'Between two bytes of an answer.', `${count(60_000)} ms`],
  ['connectTimeoutMs', 'connect_timeout_ms', 'Connect', 'To a connection with the provider.', `${count(5_000)} ms`],
]

export function TimeoutFields({ draft, put, problems, locked }: FieldsProps) {
  return (
    <Section title="Timeouts" about="For every project that says nothing else. Empty leaves it to Waybill.">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {TIMEOUTS.map(([key, field, label, help, otherwise]) => (
          <Figure
            key={key}
            {...{ label, help, otherwise, problems, locked }}
            suffix=" ms"
            field={`timeouts.${field}`}
            value={draft.timeouts[key]}
            onChange={(value) => put({ timeouts: { ...draft.timeouts, [key]: value } })}
          />
        ))}
      </SimpleGrid>
    </Section>
  )
}

const KEPT: [keyof Draft['retention'], string, string, string, string][] = [
  ['rowsDays', 'rows_days', 'Log rows', 'One a request.', ' days'],
  ['tracesDays', 'traces_days', 'Traces', 'The reasoning behind each request.', ' days'],
  ['tracesMaxMb', 'traces_max_mb', 'Size of all traces', 'The oldest go first above it. Empty is no bound.', ' MB'],
  ['journalHours', 'journal_hours', 'Journal', 'Segments that have been recorded.', ' hours'],
  ['auditDays', 'audit_days', 'Audit trail', 'Logins, denials and whatever else is in no commit.', ' days'],
]

export function RetentionFields({ draft, put, problems, locked }: FieldsProps) {
  return (
    <Section title="Retention" about="How long what was recorded is kept. Usage is never deleted.">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {KEPT.map(([key, field, label, help, suffix]) => (
          <Figure
            key={key}
            {...{ label, help, suffix, problems, locked }}
            field={`retention.${field}`}
            value={draft.retention[key]}
            onChange={(value) =>
              // Only the size may be without a bound.
              put({ retention: { ...draft.retention, [key]: key === 'tracesMaxMb' ? value : (value ?? 1) } })
            }
          />
        ))}
      </SimpleGrid>
    </Section>
  )
}

export function JournalFields({ draft, put, problems, locked }: FieldsProps) {
  return (
    <Section title="When the journal cannot be written" setBy="journal_failure">
      <Radio.Group
        aria-label="When the journal cannot be written"
        value={draft.journalFailure}
        onChange={(value) => !locked && put({ journalFailure: value as Draft['journalFailure'] })}
        error={problemAt(problems, 'journal_failure')}
      >
        <Stack gap="xs">
          <Radio value="REFUSE" label="Refuse requests with 503: nothing happens without a record" disabled={locked} />
          <Radio
            value="SERVE"
            label="Serve them without a record: their cost and use are not counted"
            disabled={locked}
          />
        </Stack>
      </Radio.Group>
    </Section>
  )
}
