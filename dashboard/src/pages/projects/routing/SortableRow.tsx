/** A row that can be moved by its handle and opened to edit what is in it. */
import { useSortable } from '@dnd-kit/sortable'
import { CSS } from '@dnd-kit/utilities'
import { ActionIcon, Box, Collapse, Group, Paper } from '@mantine/core'
import { IconChevronDown, IconChevronRight, IconGripVertical, IconTrash } from '@tabler/icons-react'
import type { ReactNode } from 'react'

interface Props {
  id: string
  /** What buttons call it. */
  name: string
  /** The line that is always seen. */
  head: ReactNode
  /** What opening shows; nothing to open when left out. */
  children?: ReactNode
  opened: boolean
  onToggle: () => void
  onRemove: () => void
  locked: boolean
}

export function SortableRow({ id, name, head, children, opened, onToggle, onRemove, locked }: Props) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, transform, transition, isDragging } = useSortable({
    id,
    disabled: locked,
  })
  const Chevron = opened ? IconChevronDown : IconChevronRight
  return (
    <Paper
      component="li"
      ref={setNodeRef}
      withBorder
      px="xs"
      py={4}
      style={{
        listStyle: 'none',
        transform: CSS.Translate.toString(transform),
        transition,
        opacity: isDragging ? 0.6 : 1,
        zIndex: isDragging ? 2 : undefined,
        position: 'relative',
      }}
    >
      <Group gap="xs" wrap="nowrap">
        <ActionIcon
          ref={setActivatorNodeRef}
          {...attributes}
          {...listeners}
          color="gray"
          disabled={locked}
          aria-label={`Move ${name}`}
          style={{ cursor: 'grab', touchAction: 'none' }}
        >
          <IconGripVertical size={14} aria-hidden />
        </ActionIcon>
        <Group gap="xs" flex={1} miw={0} wrap="nowrap">
          {head}
        </Group>
        {children && (
          <ActionIcon color="gray" onClick={onToggle} aria-expanded={opened} aria-label={`Settings of ${name}`}>
            <Chevron size={14} aria-hidden />
          </ActionIcon>
        )}
        <ActionIcon color="red" onClick={onRemove} disabled={locked} aria-label={`Remove ${name}`}>
          <IconTrash size={14} aria-hidden />
        </ActionIcon>
      </Group>
      {children && (
        <Collapse in={opened}>
          {opened && (
            <Box py="sm" px="xs">
              {children}
            </Box>
          )}
        </Collapse>
      )}
    </Paper>
  )
}
