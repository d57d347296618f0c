/** How everything goes: cost, calls, errors, latency and tokens over time, together or by model or project; and alerts. */
import { Anchor, Group, Paper, SegmentedControl, SimpleGrid, Text, Title } from '@mantine/core'
import { useEffect, useMemo, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { useViewer } from '../../app/Viewer'
import { Empty } from '../../shared/Empty'
import { duration, share } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { MEASURES, type Measure } from '../usage/measures'
import { beginning, PERIODS, periodOf } from '../usage/period'
import { USAGE, type Report } from '../usage/queries'
import { UsageChart } from '../usage/UsageChart'
import { Alerts } from './Alerts'

const DIVISIONS = [
  { value: '', label: 'Together' },
  { value: 'MODEL', label: 'By model' },
  { value: 'PROJECT', label: 'By project' },
]
const CHARTED = 6
const RENEWED_MS = 30_000

export default function OverviewPage() {
  const [params, setParams] = useSearchParams()
  const period = periodOf(params.get('period'))
  const division = params.get('by') ?? 'MODEL'
  const by = useMemo(() => (division === 'MODEL' || division === 'PROJECT' ? ([division] as const) : []), [division])
  const set = (name: string, value: string): void =>
    setParams((before) => new URLSearchParams([...[...before].filter(([key]) => key !== name), [name, value]]), {
      replace: true,
    })
  return (
    <>
      <PageHead title="Overview">
        <SegmentedControl
          aria-label="Divided"
          value={division}
          onChange={(value) => set('by', value)}
          data={DIVISIONS}
        />
        <SegmentedControl
          aria-label="Period"
          value={period.value}
          onChange={(value) => set('period', value)}
          data={PERIODS.map(({ value, label }) => ({ value, label }))}
        />
      </PageHead>
      <Figures key={period.value} by={by} period={period.value} />
    </>
  )
}

function Figures({ by, period: value }: { by: readonly ('MODEL' | 'PROJECT')[]; period: string }) {
  const period = periodOf(value)
  const [now, setNow] = useState(() => Date.now())
  const from = useMemo(() => beginning(period, now), [period, now])
  const answer = useQuery({
    query: USAGE,
    variables: {
      from,
      interval: period.interval,
      groupBy: [...by],
      filter: {},
      order: 'COST',
      charted: CHARTED,
      listed: 1,
    },
  })
  const ask = answer[1]
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now())
      ask({ requestPolicy: 'network-only' })
    }, RENEWED_MS)
    return () => clearInterval(timer)
  }, [ask])
  return (
    <Loaded of={answer}>
      {({ usage }) => (
        <>
          {usage.totals.requests === 0 && <FirstSteps />}
          <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
            {usage.totals.requests > 0 && <Charts report={usage} by={by} />}
            <Paper withBorder p="md" component="section" aria-label="Alerts">
              <Title order={2} mb="sm">
                Alerts
              </Title>
              <Alerts />
            </Paper>
          </SimpleGrid>
        </>
      )}
    </Loaded>
  )
}

function Charts({ report, by }: { report: Report; by: readonly string[] }) {
  return MEASURES.map((measure) => (
    <Paper key={measure.key} withBorder p="md" component="section" aria-label={measure.label}>
      <Group justify="space-between" align="baseline" mb="xs">
        <Title order={2}>{measure.label}</Title>
        <Text className="figures" fw={600}>
          {measure.exact(report.totals)}
          <Text span size="xs" c="dimmed" ml="xs" fw={400}>
            {beside(measure, report)}
          </Text>
        </Text>
      </Group>
      <UsageChart report={report} measure={measure} by={by} />
    </Paper>
  ))
}

/** What makes a sum say something. */
function beside(measure: Measure, { totals }: Report): string {
  if (measure.key === 'errors') return `${share(totals.errors / Math.max(1, totals.requests))} of requests`
  if (measure.key === 'latency') return `p50 ${duration(totals.latency?.p50Ms)}, p95 ${duration(totals.latency?.p95Ms)}`
  if (measure.key === 'cost' && totals.unpricedCalls) return `and ${totals.unpricedCalls} calls without a price`
  return ''
}

function FirstSteps() {
  const viewer = useViewer()
  return (
    <Empty
      title="No request in this period"
      hint={
        <>
          {viewer.may('project:write') ? 'Make a project and a token, then send' : 'Send'} a request from the{' '}
          <Anchor component={Link} to="/playground" inherit underline="always">
            playground
          </Anchor>{' '}
          or from your application: its address is on the General tab of each{' '}
          <Anchor component={Link} to="/projects" inherit underline="always">
            project
          </Anchor>
          .
        </>
      }
    />
  )
}
