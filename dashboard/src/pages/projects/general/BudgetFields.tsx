/** What the project may cost in a day and in a month, what of it is used, and its other limits. */
import { Stack, Text, TextInput, Title } from '@mantine/core'
import { problemAt } from '../../../shared/change'
import { LimitsFields } from '../../../shared/forms/LimitsFields'
import { amountProblem } from '../../../shared/forms/limits'
import { Setting } from '../../../shared/forms/Setting'
import { LimitUseList } from '../../../shared/LimitUseList'
import type { FieldsProps } from './IdentityFields'

const BUDGETS = [
  { name: 'daily', label: 'Daily budget', description: 'From midnight UTC' },
  { name: 'monthly', label: 'Monthly budget', description: 'From the first of the month, UTC' },
] as const

export function BudgetFields({ project, values, onChange, problems, disabled }: FieldsProps) {
  const path = `projects/${project.slug}/project.yaml`
  const uses = project.limitUse?.filter((use) => use.scope === 'PROJECT') ?? []
  return (
    <Stack>
      <Title order={2}>Budget</Title>
      {uses.length > 0 && <LimitUseList uses={uses} />}
      {BUDGETS.map(({ name, label, description }) => (
        <Setting key={name} path={path} field="limits" label={label}>
          <TextInput
            label={label}
            description={`${description}; empty for none`}
            leftSection="$"
            inputMode="decimal"
            placeholder="none"
            disabled={disabled}
            value={values[name]}
            error={amountProblem(values[name])}
            onChange={(event) => onChange({ [name]: event.currentTarget.value.trim() })}
          />
        </Setting>
      ))}
      {problemAt(problems, 'limits') && (
        <Text size="sm" c="red" role="alert">
          {problemAt(problems, 'limits')}
        </Text>
      )}
      <Title order={3}>Other limits</Title>
      <LimitsFields value={values.others} onChange={(others) => onChange({ others })} withMode disabled={disabled} />
    </Stack>
  )
}
