/** The active policies on the left, those that can be added on the right: drag them over, or press their button. */
import {
  closestCenter,
  DndContext,
  DragOverlay,
  useDroppable,
  type DragEndEvent,
  type UniqueIdentifier,
} from '@dnd-kit/core'
import { arrayMove, SortableContext, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { Grid, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import type { Problem } from '../../../shared/change'
import { SetBy } from '../../../shared/history/SetBy'
import type { DraftPolicy } from './draft'
import { Palette } from './Palette'
import { PolicyRow } from './PolicyRow'
import type { PolicyKind } from './queries'
import { announcements, useDragSensors } from './sorting'

interface Props {
  /** The routing's file. */
  path: string
  policies: DraftPolicy[]
  palette: readonly PolicyKind[]
  models: readonly string[]
  onChange: (policies: DraftPolicy[]) => void
  problems: readonly Problem[]
  locked: boolean
}

const LIST = 'active-policies'
export const FROM_PALETTE = 'palette:'
let made = 0

export function PolicyBoard({ path, policies, palette, models, onChange, problems, locked }: Props) {
  const sensors = useDragSensors()
  const [dragged, setDragged] = useState<UniqueIdentifier>()
  const [opened, setOpened] = useState<string>()
  const keys = policies.map(({ key }) => key)
  const weights = weighed(policies)

  function add(kind: string, place = policies.length): void {
    const key = `${kind}-new-${String(++made)}`
    onChange([...policies.slice(0, place), { key, kind, enabled: true, parameters: {} }, ...policies.slice(place)])
    // One that cannot do without a parameter is opened at once.
    if (palette.find((each) => each.kind === kind)?.parameters.some(({ required }) => required)) setOpened(key)
  }

  function dropped({ active, over }: DragEndEvent): void {
    setDragged(undefined)
    if (!over) return
    const place = keys.indexOf(String(over.id))
    const name = String(active.id)
    if (name.startsWith(FROM_PALETTE)) return add(name.slice(FROM_PALETTE.length), place < 0 ? undefined : place)
    if (place >= 0) onChange(arrayMove(policies, keys.indexOf(name), place))
  }

  const titled = (kind: string): string => palette.find((each) => each.kind === kind)?.title ?? kind
  const named = (id: UniqueIdentifier): string => {
    const name = String(id)
    if (name.startsWith(FROM_PALETTE)) return titled(name.slice(FROM_PALETTE.length))
    return titled(policies.find(({ key }) => key === name)?.kind ?? name)
  }

  return (
    <DndContext
      sensors={sensors}
      collisionDetection={closestCenter}
      onDragStart={({ active }) => setDragged(active.id)}
      onDragCancel={() => setDragged(undefined)}
      onDragEnd={dropped}
      accessibility={{ announcements: announcements(named, (id) => keys.indexOf(String(id))) }}
    >
      <Grid gutter="lg">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Group gap="xs" mb="xs">
            <Title order={2} id="policies-title">
              Active policies
            </Title>
            <SetBy path={path} field="policies" label="Policies" />
          </Group>
          <SortableContext items={keys} strategy={verticalListSortingStrategy}>
            <ActiveList empty={policies.length === 0}>
              {policies.map((policy, place) => (
                <PolicyRow
                  key={policy.key}
                  policy={policy}
                  place={place}
                  weight={weights[place] ?? 0}
                  kind={palette.find(({ kind }) => kind === policy.kind)}
                  models={models}
                  problems={problems}
                  locked={locked}
                  opened={opened === policy.key}
                  onToggle={() => setOpened(opened === policy.key ? undefined : policy.key)}
                  onChange={(changed) =>
                    onChange(policies.map((each) => (each === policy ? { ...policy, ...changed } : each)))
                  }
                  onRemove={() => onChange(policies.filter((each) => each !== policy))}
                />
              ))}
            </ActiveList>
          </SortableContext>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Palette palette={palette} locked={locked} onAdd={(kind) => add(kind)} />
        </Grid.Col>
      </Grid>
      <DragOverlay>
        {dragged !== undefined && String(dragged).startsWith(FROM_PALETTE) && (
          <Paper withBorder shadow="md" px="sm" py={6}>
            <Text size="sm">{named(dragged)}</Text>
          </Paper>
        )}
      </DragOverlay>
    </DndContext>
  )
}

function ActiveList({ empty, children }: { empty: boolean; children: React.ReactNode }) {
  const { setNodeRef, isOver } = useDroppable({ id: LIST })
  return (
    <Stack
      component="ol"
      ref={setNodeRef}
      gap={4}
      p={empty ? 'md' : 0}
      m={0}
      mih={60}
      aria-labelledby="policies-title"
      style={{
        border: empty ? '1px dashed var(--mantine-color-default-border)' : undefined,
        background: isOver ? 'var(--mantine-color-default-hover)' : undefined,
        borderRadius: 4,
      }}
    >
      {children}
      {empty && (
        <Text component="li" size="sm" c="dimmed" ta="center" style={{ listStyle: 'none' }}>
          No policy: models are tried in their order. Drag one here, or press its “Add”.
        </Text>
      )}
    </Stack>
  )
}

/** What each policy's scores are multiplied with: of N enabled ones the first N, the next N − 1. */
function weighed(policies: readonly DraftPolicy[]): number[] {
  let next = policies.filter(({ enabled }) => enabled).length
  return policies.map(({ enabled }) => (enabled ? next-- : 0))
}
