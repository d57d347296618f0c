/** What the project may cost in a day and in a month, what of it is used, and its other limits. */
import { Stack, Text, Title } from '@mantine/core'
import { problemAt } from '../../../shared/change'
import { AmountField } from '../../../shared/forms/AmountField'
import { LimitsFields } from '../../../shared/forms/LimitsFields'
import { Setting } from '../../../shared/forms/Setting'
import { LimitUseList } from '../../../shared/LimitUseList'
import type { FieldsProps } from './IdentityFields'

const BUDGETS = [
  { name: 'daily', label: 'Daily budget', description: 'From midnight UTC' },
  { name: 'monthly', label: 'Monthly budget', description: 'From the first of the month, UTC' },
] as const

export function BudgetFields({ project, values, onChange, problems, locked }: FieldsProps) {
  const path = `projects/${project.slug}/project.yaml`
  const uses = project.limitUse?.filter((use) => use.scope === 'PROJECT') ?? []
  return (
    <Stack>
      <Title order={2}>Budget</Title>
      {uses.length > 0 && <LimitUseList uses={uses} />}
      {BUDGETS.map(({ name, label, description }) => (
        <Setting key={name} path={path} field="limits" label={label}>
          <AmountField
            label={label}
            description={`${description}; empty for none`}
            leftSection="$"
            placeholder="none"
            readOnly={locked}
            value={values[name]}
            onChange={(value) => onChange({ [name]: value })}
          />
        </Setting>
      ))}
      {problemAt(problems, 'limits') && (
        <Text size="sm" c="red" role="alert">
          {problemAt(problems, 'limits')}
        </Text>
      )}
      <Title order={3}>Other limits</Title>
      <LimitsFields value={values.others} onChange={(others) => onChange({ others })} withMode locked={locked} />
    </Stack>
  )
}
