/** What was used: filtered, grouped, as a chart, as a table and as a file. */
import { Alert, Group, MultiSelect, Paper, SegmentedControl, Select, Stack } from '@mantine/core'
import { useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { MOST_SERIES } from '../../shared/charts/colors'
import { OPTIONS_DRAWN, useModelChoices, useProjectChoices, useTokenChoices } from '../../shared/choices'
import { Empty } from '../../shared/Empty'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { useWanted, type Wanted } from './filters'
import { MEASURES } from './measures'
import { beginning, PERIODS } from './period'
import { USAGE } from './queries'
import { UsageChart } from './UsageChart'
import { CsvButton, UsageTable } from './UsageTable'

const LISTED = 200
const MOST_POINTS = 20_000

export default function UsagePage() {
  const [wanted, want] = useWanted()
  const { period, measure, by } = wanted
  const [opened] = useState(() => Date.now())
  const from = useMemo(() => beginning(period, opened), [period, opened])
  const filter = useMemo(() => given(wanted), [wanted])
  const spans = period.lengthMs / (period.interval === 'HOUR' ? 3_600_000 : 86_400_000)
  const listed = Math.min(LISTED, Math.floor(MOST_POINTS / spans))
  const charted = MOST_SERIES
  const answer = useQuery({
    query: USAGE,
    variables: { from, interval: period.interval, groupBy: by, filter, order: measure.order, charted, listed },
  })
  const tokens = useTokenNames(wanted)
  return (
    <>
      <PageHead title="Usage" about="By the hour and the day, UTC; what was deleted from the logs still counts.">
        {answer[0].data && <CsvButton report={answer[0].data.usage} by={by} tokens={tokens} />}
      </PageHead>
      <Filters wanted={wanted} want={want} tokens={tokens} />
      <Loaded of={answer}>
        {({ usage }) =>
          usage.totals.requests === 0 ? (
            <Empty
              title="Nothing was used"
              hint="Choose a longer period or fewer filters, or send a request in the playground."
            />
          ) : (
            <Stack>
              <Paper withBorder p="md">
                <UsageChart report={usage} measure={measure} by={by} tokens={tokens} height={220} />
              </Paper>
              {usage.groupCount > listed && (
                <Alert color="yellow">{`The ${listed} largest of ${usage.groupCount} groups are listed.`}</Alert>
              )}
              <UsageTable report={usage} by={by} tokens={tokens} />
            </Stack>
          )
        }
      </Loaded>
    </>
  )
}

function given({ project, model, token }: Wanted) {
  return { ...(project.length && { project }), ...(model.length && { model }), ...(token.length && { token }) }
}

/** Names of a project's tokens: where one project alone is looked at. */
function useTokenNames({ project }: Wanted): ReadonlyMap<string, string> {
  const [slug] = project
  const one = project.length === 1
  const tokens = useTokenChoices(one ? slug : undefined)
  return useMemo(() => new Map(one ? tokens.map(({ token, name }) => [token, name]) : []), [one, tokens])
}

interface FilterProps {
  wanted: Wanted
  want: (name: string, values: string[]) => void
  tokens: ReadonlyMap<string, string>
}

function Filters({ wanted, want, tokens }: FilterProps) {
  const projects = useProjectChoices().map(({ slug, name }) => ({ value: slug, label: name }))
  const models = useModelChoices().map(({ modelId }) => modelId)
  return (
    <Group align="flex-end" mb="md">
      <SegmentedControl
        aria-label="Period"
        value={wanted.period.value}
        onChange={(value) => want('period', [value])}
        data={PERIODS.map(({ value, label }) => ({ value, label }))}
      />
      <Select
        label="Chart"
        allowDeselect={false}
        value={wanted.measure.key}
        onChange={(value) => want('measure', value ? [value] : [])}
        data={MEASURES.map(({ key, label }) => ({ value: key, label }))}
        w={140}
      />
      <MultiSelect
        label="Group by"
        placeholder={wanted.by.length ? '' : 'Time'}
        clearable
        value={wanted.by}
        onChange={(values) => want('by', values)}
        data={[
          { value: 'PROJECT', label: 'Project' },
          { value: 'MODEL', label: 'Model' },
          { value: 'TOKEN', label: 'Token' },
        ]}
        w={200}
      />
      <Some label="Projects" values={wanted.project} data={projects} onChange={(values) => want('project', values)} />
      <Some label="Models" values={wanted.model} data={models} onChange={(values) => want('model', values)} />
      {tokens.size > 0 && (
        <Some
          label="Tokens"
          values={wanted.token}
          data={[...tokens].map(([value, label]) => ({ value, label }))}
          onChange={(values) => want('token', values)}
        />
      )}
    </Group>
  )
}

interface SomeProps {
  label: string
  values: string[]
  data: (string | { value: string; label: string })[]
  onChange: (values: string[]) => void
}

function Some({ label, values, data, onChange }: SomeProps) {
  const placeholder = values.length ? '' : 'All'
  return (
    <MultiSelect
      {...{ label, data, placeholder, onChange }}
      value={values}
      searchable
      limit={OPTIONS_DRAWN}
      clearable
      miw={180}
      maw={320}
    />
  )
}
