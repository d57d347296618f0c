/** An active policy: its weight, whether it takes part, and its parameters. */
import { Anchor, Badge, Stack, Switch, Text } from '@mantine/core'
import { Link } from 'react-router'
import { Problems, problemsElsewhere, type Problem } from '../../../shared/change'
import { ParameterFields } from '../../../shared/forms/ParameterFields'
import type { DraftPolicy } from './draft'
import { documentation } from './Palette'
import type { PolicyKind } from './queries'
import { SortableRow } from './SortableRow'

interface Props {
  policy: DraftPolicy
  place: number
  weight: number
  kind: PolicyKind | undefined
  models: readonly string[]
  problems: readonly Problem[]
  locked: boolean
  opened: boolean
  onToggle: () => void
  onChange: (changed: Partial<DraftPolicy>) => void
  onRemove: () => void
}

export function PolicyRow(props: Props) {
  const { policy, place, weight, kind, models, problems, locked, opened, onToggle, onChange, onRemove } = props
  const field = `policies[${place}]`
  const own = problems.filter((problem) => problem.field?.startsWith(field))
  const parameters = kind?.parameters.filter((parameter) => parameter.name !== 'enabled') ?? []
  return (
    <SortableRow
      id={policy.key}
      name={`policy ${policy.kind}`}
      locked={locked}
      opened={opened || own.length > 0}
      onToggle={onToggle}
      onRemove={onRemove}
      head={
        <>
          <Badge variant="default" size="sm" tt="none" title="Its scores are multiplied with this">
            {policy.enabled ? `× ${weight}` : 'off'}
          </Badge>
          <Text size="sm" fw={500}>
            {policy.kind}
          </Text>
          <Text size="xs" c="dimmed" truncate flex={1}>
            {Object.entries(policy.parameters)
              .map(([parameter, value]) => `${parameter} ${typeof value === 'object' ? '…' : String(value)}`)
              .join(', ')}
          </Text>
          <Switch
            size="xs"
            aria-label={`${policy.kind} takes part`}
            checked={policy.enabled}
            disabled={locked}
            onChange={(event) => onChange({ enabled: event.currentTarget.checked })}
          />
        </>
      }
    >
      <Stack>
        <Text size="xs">
          {kind?.help}{' '}
          {kind && (
            <Anchor component={Link} to={documentation(kind)} size="xs">
              Concepts: Routing, {kind.kind}
            </Anchor>
          )}
        </Text>
        {parameters.length === 0 && (
          <Text size="sm" c="dimmed">
            It has no parameters.
          </Text>
        )}
        <ParameterFields
          parameters={parameters}
          value={policy.parameters}
          onChange={(changed) => onChange({ parameters: changed })}
          models={models}
          problems={problems}
          field={field}
          locked={locked}
        />
        <Problems problems={problemsElsewhere(own, ...parameters.map(({ name }) => `${field}.${name}`))} />
      </Stack>
    </SortableRow>
  )
}
