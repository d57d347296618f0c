/** The policies there are, each with what it does and a link to its chapter. */
import { useDraggable } from '@dnd-kit/core'
import { ActionIcon, Anchor, Box, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconGripVertical } from '@tabler/icons-react'
import { Link } from 'react-router'
import { FROM_PALETTE } from './PolicyBoard'
import type { PolicyKind } from './queries'

interface Props {
  palette: readonly PolicyKind[]
  locked: boolean
  onAdd: (kind: string) => void
}

export function Palette({ palette, locked, onAdd }: Props) {
  return (
    <section aria-labelledby="palette-title">
      <Title order={2} mb="xs" id="palette-title">
        Available policies
      </Title>
      <Stack component="ul" gap={4} p={0} m={0}>
        {palette.map((kind) => (
          <Offer key={kind.kind} kind={kind} locked={locked} onAdd={() => onAdd(kind.kind)} />
        ))}
      </Stack>
    </section>
  )
}

function Offer({ kind, locked, onAdd }: { kind: PolicyKind; locked: boolean; onAdd: () => void }) {
  const { attributes, listeners, setNodeRef, setActivatorNodeRef, isDragging } = useDraggable({
    id: FROM_PALETTE + kind.kind,
    disabled: locked,
  })
  return (
    <Paper
      component="li"
      ref={setNodeRef}
      withBorder
      px="xs"
      py={4}
      opacity={isDragging ? 0.5 : 1}
      style={{ listStyle: 'none' }}
    >
      <Group gap="xs" wrap="nowrap" align="flex-start">
        <ActionIcon
          ref={setActivatorNodeRef}
          {...attributes}
          {...listeners}
          color="gray"
          disabled={locked}
          aria-label={`Drag ${kind.title} into the active policies`}
          style={{ cursor: 'grab', touchAction: 'none' }}
        >
          <IconGripVertical size={14} aria-hidden />
        </ActionIcon>
        <Box flex={1} miw={0}>
          <Anchor component={Link} to={documentation(kind)} size="sm" fw={500}>
            {kind.kind}
          </Anchor>
          <Text size="xs" c="dimmed">
            {kind.help.replaceAll('`', '')}
          </Text>
        </Box>
        <Button variant="default" size="compact-xs" onClick={onAdd} disabled={locked} aria-label={`Add ${kind.kind}`}>
          Add
        </Button>
      </Group>
    </Paper>
  )
}

/** docs/concepts-routing.md#cheapest → /docs/concepts-routing#cheapest */
export const documentation = ({ documentation: place }: Pick<PolicyKind, 'documentation'>): string =>
  `/${place.replace('.md', '')}`
