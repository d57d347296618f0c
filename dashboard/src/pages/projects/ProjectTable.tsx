/** The list of projects as a table; a click anywhere in a row opens the project. */
import { Anchor, Badge, Code, Group, Table, Text, Tooltip } from '@mantine/core'
import { Link, useNavigate } from 'react-router'
import type { ApiType } from '../../api/graphql'
import { Sparkline } from '../../shared/charts/Sparkline'
import { count, money } from '../../shared/formats'
import { SortHead, type Direction } from '../../shared/SortHead'
import type { ListedProject } from './queries'

type Measure = ApiType<'ProjectMeasure'>

interface Props {
  projects: readonly ListedProject[]
  order: { field: Measure; direction: Direction }
  onOrder: (field: Measure, direction: Direction) => void
}

export function ProjectTable({ projects, order, onOrder }: Props) {
  const head = (field: Measure, label: string, numeric = false) => (
    <SortHead
      label={label}
      numeric={numeric}
      first={numeric ? 'DESC' : 'ASC'}
      sorted={order.field === field ? order.direction : undefined}
      onSort={(direction) => onOrder(field, direction)}
    />
  )
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            {head('NAME', 'Name')}
            {head('SLUG', 'Slug')}
            {head('TOKENS', 'Tokens', true)}
            <Table.Th>Models</Table.Th>
            <Table.Th>Policies</Table.Th>
            {head('COST', 'Cost today', true)}
            {head('CALLS', 'Calls today', true)}
            <Table.Th>7 days</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {projects.map((project) => (
            <Row key={project.slug} project={project} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

/** One that is longer is cut: the other columns need their room. */
const WIDEST = { name: 220, slug: 160 }

function Row({ project }: { project: ListedProject }) {
  const navigate = useNavigate()
  const { slug, name, tokenCount, models, policies, today, trend } = project
  return (
    <Table.Tr
      className="clickable"
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest('a')) void navigate(`/projects/${slug}`)
      }}
    >
      <Table.Td maw={WIDEST.name}>
        <Anchor component={Link} to={`/projects/${slug}`} fw={600} size="sm" display="block" truncate title={name}>
          {name}
        </Anchor>
      </Table.Td>
      <Table.Td maw={WIDEST.slug}>
        <Text truncate title={slug} fz="inherit">
          <Code>{slug}</Code>
        </Text>
      </Table.Td>
      <Table.Td ta="right">{count(tokenCount)}</Table.Td>
      <Table.Td>
        <Some words={models} none="no model" />
      </Table.Td>
      <Table.Td>
        <Some words={policies} none="in order" />
      </Table.Td>
      {today && trend ? (
        <Figures today={today} trend={trend} />
      ) : (
        <Table.Td colSpan={3} ta="right">
          <Text size="xs" c="dimmed">
            You may not read its reports
          </Text>
        </Table.Td>
      )}
    </Table.Tr>
  )
}

type FiguresProps = { [Name in 'today' | 'trend']: NonNullable<ListedProject[Name]> }

function Figures({ today, trend }: FiguresProps) {
  return (
    <>
      <Table.Td ta="right">
        {money(today.cost)}
        {today.unpricedCalls > 0 && (
          <Tooltip label={`${count(today.unpricedCalls)} calls have no price and are not in it`}>
            <span> +?</span>
          </Tooltip>
        )}
      </Table.Td>
      <Table.Td ta="right">
        {count(today.calls)}
        {today.errors > 0 && (
          <Text span size="xs" c="red">
            {` ${count(today.errors)} failed`}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <Sparkline values={trend.calls} label={`Calls a day: ${trend.calls.map(count).join(', ')}`} />
      </Table.Td>
    </>
  )
}

const SHOWN = 3

function Some({ words, none }: { words: readonly string[]; none: string }) {
  if (words.length === 0) {
    return (
      <Text size="xs" c="dimmed">
        {none}
      </Text>
    )
  }
  const rest = words.slice(SHOWN)
  return (
    <Group gap={4}>
      {words.slice(0, SHOWN).map((word, place) => (
        <Badge
          key={place}
          variant="default"
          size="sm"
          tt="none"
          fw={400}
          maw={140}
          title={word}
          style={{ flexShrink: 0 }}
        >
          {word}
        </Badge>
      ))}
      {rest.length > 0 && (
        <Tooltip label={rest.join(', ')}>
          <Text size="xs" c="dimmed">
            +{rest.length}
          </Text>
        </Tooltip>
      )}
    </Group>
  )
}
