/** What of a log is shown: by status, model, token, kind and time. */
import { Group, MultiSelect, TextInput } from '@mantine/core'
import { memo } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../../../api/graphql'
import { OPTIONS_DRAWN, useTokenChoices } from '../../../shared/choices'
import { KINDS, STATUSES } from './filters'

const CHOICES = graphql(`
  query LogChoices($slug: String!) {
    project(slug: $slug) {
      models
    }
  }
`)

interface Props {
  slug: string
  params: URLSearchParams
  onChange: (name: string, values: string[]) => void
}

/** Drawn when a filter changes, not at each row that comes. */
export const LogFilters = memo(function LogFilters({ slug, params, onChange }: Props) {
  const [{ data }] = useQuery({ query: CHOICES, variables: { slug } })
  const project = data?.project
  const tokens = useTokenChoices(slug).map(({ token, name }) => ({ value: token, label: name }))
  return (
    <Group gap="xs" align="flex-end">
      <Several label="Status" name="status" data={STATUSES} params={params} onChange={onChange} />
      <Several label="Model" name="model" data={project?.models ?? []} params={params} onChange={onChange} />
      <Several label="Token" name="token" data={tokens} params={params} onChange={onChange} />
      <Several label="Kind" name="kind" data={KINDS} params={params} onChange={onChange} />
      {(['since', 'until'] as const).map((name) => (
        <TextInput
          key={name}
          type="datetime-local"
          aria-label={name === 'since' ? 'From' : 'Until'}
          leftSection={name === 'since' ? 'from' : 'to'}
          leftSectionWidth={46}
          w={216}
          value={params.get(name) ?? ''}
          onChange={(event) => onChange(name, event.currentTarget.value ? [event.currentTarget.value] : [])}
        />
      ))}
    </Group>
  )
})

interface SeveralProps extends Omit<Props, 'slug'> {
  label: string
  name: string
  data: string[] | { value: string; label: string }[]
}

function Several({ label, name, data, params, onChange }: SeveralProps) {
  const value = params.getAll(name)
  return (
    <MultiSelect
      aria-label={label}
      data={data}
      value={value}
      placeholder={value.length ? '' : label}
      clearable
      searchable
      limit={OPTIONS_DRAWN}
      w={value.length ? 190 : 110}
      onChange={(values) => onChange(name, values)}
    />
  )
}
