/** The head of a column that sorts its table: a button, with the direction where a screen reader looks for it. */
import { Group, Table, UnstyledButton } from '@mantine/core'
import { IconChevronDown, IconChevronUp, IconSelector } from '@tabler/icons-react'

export type Direction = 'ASC' | 'DESC'

interface Props {
  label: string
  /** How the table is sorted by this column; undefined while it is by another. */
  sorted: Direction | undefined
  onSort: (direction: Direction) => void
  /** Which comes first when the column is chosen: the largest of figures, the first of words. */
  first?: Direction
  numeric?: boolean
}

export function SortHead({ label, sorted, onSort, first = 'ASC', numeric = false }: Props) {
  const Icon = sorted === 'ASC' ? IconChevronUp : sorted === 'DESC' ? IconChevronDown : IconSelector
  const state = sorted === 'ASC' ? 'ascending' : sorted === 'DESC' ? 'descending' : 'none'
  const next = sorted === undefined ? first : sorted === 'ASC' ? 'DESC' : 'ASC'
  return (
    <Table.Th aria-sort={state} ta={numeric ? 'right' : 'left'}>
      <UnstyledButton onClick={() => onSort(next)} fz="inherit" fw="inherit">
        <Group gap={2} wrap="nowrap" component="span">
          {label}
          <Icon size={14} stroke={1.6} aria-hidden />
        </Group>
      </UnstyledButton>
    </Table.Th>
  )
}
