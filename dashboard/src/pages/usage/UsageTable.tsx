/** The figures that a report's chart draws, as a table; and the same rows as a file. */
import { Button, Table } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { count, duration, instant, money } from '../../shared/formats'
import { csv, download } from './csv'
import type { Dimension } from './filters'
import type { Figures, Report } from './queries'

interface Props {
  report: Report
  by: readonly Dimension[]
  /** Names of tokens by id, where one project is looked at. */
  tokens: ReadonlyMap<string, string>
}

const KEYS: Record<Dimension, string> = { PROJECT: 'Project', MODEL: 'Model', TOKEN: 'Token' }

interface Column {
  head: string
  shown: (figures: Figures) => string
  written: (figures: Figures) => string | number | null
}

const COLUMNS: Column[] = [
  { head: 'Requests', shown: (f) => count(f.requests), written: (f) => f.requests },
  { head: 'Calls', shown: (f) => count(f.calls), written: (f) => f.calls },
  { head: 'Errors', shown: (f) => count(f.errors), written: (f) => f.errors },
  { head: 'Refused', shown: (f) => count(f.refused), written: (f) => f.refused },
  { head: 'Cancelled', shown: (f) => count(f.cancelled), written: (f) => f.cancelled },
  { head: 'Input tokens', shown: (f) => count(f.inputTokens), written: (f) => f.inputTokens },
  { head: 'Output tokens', shown: (f) => count(f.outputTokens), written: (f) => f.outputTokens },
  { head: 'Cost (USD)', shown: (f) => money(f.cost), written: (f) => f.cost },
  { head: 'Unpriced calls', shown: (f) => count(f.unpricedCalls), written: (f) => f.unpricedCalls },
  { head: 'Mean latency', shown: (f) => duration(f.latency?.averageMs), written: (f) => f.latency?.averageMs ?? null },
  { head: 'p95 latency', shown: (f) => duration(f.latency?.p95Ms), written: (f) => f.latency?.p95Ms ?? null },
]

interface Row {
  keys: string[]
  /** For a file: instants in ISO 8601. */
  written: string[]
  figures: Figures
}

export function rowsOf({ report, by, tokens }: Props): Row[] {
  if (!by.length) {
    const used = report.points.filter(({ figures }) => figures.requests > 0).reverse()
    return used.map(({ start, figures }) => ({ keys: [instant(start)], written: [start], figures }))
  }
  return report.groups.map((group) => {
    const ids = by.map(
      (each) => (each === 'PROJECT' ? group.project : each === 'TOKEN' ? group.token : group.model) ?? 'no model',
    )
    const keys = ids.map((id, place) => (by[place] === 'TOKEN' ? (tokens.get(id) ?? id) : id))
    return { keys, written: keys, figures: group.figures }
  })
}

const heads = (by: readonly Dimension[]): string[] => (by.length ? by.map((each) => KEYS[each]) : ['Time'])

export function UsageTable(props: Props) {
  const { report, by } = props
  return (
    <Table.ScrollContainer minWidth={960}>
      <Table stickyHeader aria-label="Usage">
        <Table.Thead>
          <Table.Tr>
            {heads(by).map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
            {COLUMNS.map(({ head }) => (
              <Table.Th key={head} ta="right">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rowsOf(props).map((row) => (
            <Table.Tr key={row.keys.join('\n')}>
              {row.keys.map((key, place) => (
                <Table.Td key={place}>{key}</Table.Td>
              ))}
              <Cells figures={row.figures} />
            </Table.Tr>
          ))}
        </Table.Tbody>
        <Table.Tfoot>
          <Table.Tr>
            <Table.Th colSpan={heads(by).length} scope="row">
              All
            </Table.Th>
            <Cells figures={report.totals} />
          </Table.Tr>
        </Table.Tfoot>
      </Table>
    </Table.ScrollContainer>
  )
}

function Cells({ figures }: { figures: Figures }) {
  return COLUMNS.map(({ head, shown }) => (
    <Table.Td key={head} ta="right">
      {shown(figures)}
    </Table.Td>
  ))
}

export function CsvButton(props: Props) {
  function save(): void {
    const head = [...heads(props.by), ...COLUMNS.map((column) => column.head)]
    const body = rowsOf(props).map((row) => [...row.written, ...COLUMNS.map(({ written }) => written(row.figures))])
    download(`usage-${props.report.from.slice(0, 10)}-${props.report.to.slice(0, 10)}.csv`, csv([head, ...body]))
  }
  return (
    <Button variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={save}>
      Export CSV
    </Button>
  )
}
