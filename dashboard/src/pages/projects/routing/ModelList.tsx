/** The project's models in their order: position 0 comes first wherever the policies see no difference. */
import { closestCenter, DndContext, type DragEndEvent } from '@dnd-kit/core'
import { arrayMove, SortableContext, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { Anchor, Badge, Group, Stack, Text, Textarea, Title } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Problem } from '../../../shared/change'
import { SetBy } from '../../../shared/history/SetBy'
import { Empty } from '../../../shared/Empty'
import { LimitsFields } from '../../../shared/forms/LimitsFields'
import { limitsWords } from '../../../shared/forms/limits'
import { AddModel } from './AddModel'
import { NO_LIMITS, type DraftModel } from './draft'
import type { KnownModel } from '../../../shared/choices'
import { SortableRow } from './SortableRow'
import { announcements, useDragSensors } from './sorting'

interface Props {
  /** The routing's file. */
  path: string
  models: DraftModel[]
  known: readonly KnownModel[]
  onChange: (models: DraftModel[]) => void
  problems: readonly Problem[]
  locked: boolean
  limitsLocked: boolean
}

export function ModelList({ path, models, known, onChange, problems, locked, limitsLocked }: Props) {
  const sensors = useDragSensors()
  const [opened, setOpened] = useState<string>()
  const places = models.map(({ id }) => id)
  const free = known.filter(({ modelId }) => !places.includes(modelId))

  function moved({ active, over }: DragEndEvent): void {
    if (over && active.id !== over.id) {
      onChange(arrayMove(models, places.indexOf(String(active.id)), places.indexOf(String(over.id))))
    }
  }

  const put = (id: string, changed: Partial<DraftModel>): void =>
    onChange(models.map((model) => (model.id === id ? { ...model, ...changed } : model)))

  return (
    <section aria-labelledby="models-title">
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          <Title order={2} id="models-title">
            Models
          </Title>
          <SetBy path={path} field="models" label="Models" />
        </Group>
        {!locked && (
          <AddModel free={free} onAdd={(id) => onChange([...models, { id, guidance: '', limits: NO_LIMITS }])} />
        )}
      </Group>
      {models.length === 0 && (
        <Empty
          title="No model yet"
          hint="Requests are refused until the project has a model: add one of those that are registered."
        />
      )}
      <DndContext
        sensors={sensors}
        collisionDetection={closestCenter}
        onDragEnd={moved}
        accessibility={{ announcements: announcements(String, (id) => places.indexOf(String(id))) }}
      >
        <SortableContext items={places} strategy={verticalListSortingStrategy}>
          <Stack component="ol" gap={4} p={0} m={0}>
            {models.map((model, position) => (
              <SortableRow
                key={model.id}
                id={model.id}
                name={model.id}
                locked={locked}
                opened={opened === model.id}
                onToggle={() => setOpened(opened === model.id ? undefined : model.id)}
                onRemove={() => onChange(models.filter((each) => each !== model))}
                head={
                  <Head model={model} position={position} known={known.find(({ modelId }) => modelId === model.id)} />
                }
              >
                <Stack>
                  <Textarea
                    label="Guidance"
                    description="When to choose this model, for policies that read it, such as llm"
                    autosize
                    readOnly={locked}
                    value={model.guidance}
                    onChange={(event) => put(model.id, { guidance: event.currentTarget.value })}
                  />
                  <Text size="sm" fw={500}>
                    Limits of this project on it
                  </Text>
                  <LimitsFields
                    value={model.limits}
                    onChange={(limits) => put(model.id, { limits })}
                    withMode
                    problems={problems}
                    field={`models[${position}].limits`}
                    locked={limitsLocked}
                  />
                </Stack>
              </SortableRow>
            ))}
          </Stack>
        </SortableContext>
      </DndContext>
    </section>
  )
}

function Head({ model, position, known }: { model: DraftModel; position: number; known: KnownModel | undefined }) {
  return (
    <>
      <Text size="sm" c="dimmed" className="figures" miw={16} aria-label={`Position ${position}`}>
        {position}
      </Text>
      <Anchor component={Link} to={`/models/${model.id}`} size="sm" truncate>
        {model.id}
      </Anchor>
      {known && !known.enabled && (
        <Badge color="gray" size="xs">
          disabled
        </Badge>
      )}
      <Text size="xs" c="dimmed" truncate flex={1}>
        {[
          model.guidance,
          model.limits.rules.length || model.limits.mode === 'DISABLE' ? `limits: ${limitsWords(model.limits)}` : '',
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
    </>
  )
}
