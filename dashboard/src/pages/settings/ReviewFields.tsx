/** Which changes must go through a proposal. */
import { ActionIcon, Button, Group, Stack, TagsInput, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { NumberField } from '../../shared/forms/NumberField'
import { problemAt } from '../../shared/change'
import type { Draft } from './draft'
import type { FieldsProps } from './Fields'
import { Section } from './Section'

type ReviewRule = Draft['review'][number]
const NEW: ReviewRule = { paths: ['providers/*'], limitRaisePercent: null, approvals: 1 }

export function ReviewFields({ draft, put, problems, locked }: FieldsProps) {
  const set = (place: number, part: Partial<ReviewRule>): void =>
    put({ review: draft.review.map((each, at) => (at === place ? { ...each, ...part } : each)) })
  return (
    <Section
      title="Reviews"
      about="Which changes are to go through a proposal. Kept, and not enforced yet: they land all the same."
      setBy="review"
    >
      <Stack gap="sm">
        {draft.review.length === 0 && (
          <Text size="sm" c="dimmed">
            No rule: every change may be committed at once.
          </Text>
        )}
        {draft.review.map((rule, place) => (
          <Group key={place} align="flex-start" role="group" aria-label={`Rule ${place + 1}`}>
            <TagsInput
              label="Changes below"
              placeholder="providers/*"
              style={{ flex: 1 }}
              readOnly={locked}
              value={rule.paths}
              onChange={(paths) => set(place, { paths })}
              error={problemAt(problems, `review[${place}].paths`)}
            />
            <NumberField
              label="Only limits raised by more than"
              placeholder="any change"
              suffix=" %"
              min={0}
              readOnly={locked}
              value={rule.limitRaisePercent}
              onChange={(limitRaisePercent) => set(place, { limitRaisePercent })}
              error={problemAt(problems, `review[${place}].limit_raise_percent`)}
              w={200}
            />
            <NumberField
              label="Approvals"
              min={1}
              max={100}
              readOnly={locked}
              value={rule.approvals}
              onChange={(typed) => set(place, { approvals: typed || 1 })}
              error={problemAt(problems, `review[${place}].approvals`)}
              w={90}
            />
            {!locked && (
              <ActionIcon
                mt={22}
                color="red"
                aria-label={`Remove rule ${place + 1}`}
                onClick={() => put({ review: draft.review.filter((_, at) => at !== place) })}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        {!locked && (
          <Group>
            <Button
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => put({ review: [...draft.review, NEW] })}
            >
              Add a rule
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  )
}
