/** A model's prices, USD for a million tokens, with tiers above a length of input. */
import { ActionIcon, Button, Checkbox, Fieldset, Group, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { problemAt, type Problem } from '../../shared/change'
import { AmountField } from '../../shared/forms/AmountField'
import { NumberField } from '../../shared/forms/NumberField'
import { AMOUNT_WORDS, AMOUNTS, newTier, NO_PRICES, type Amount, type Prices } from './draft'

interface Props {
  value: Prices | null
  onChange: (value: Prices | null) => void
  problems: readonly Problem[]
  locked: boolean
}

export function PriceFields({ value, onChange, problems, locked }: Props) {
  return (
    <Stack gap="xs">
      <Checkbox
        label="The file has prices of its own"
        description="Else those of the price table hold, where it knows the model."
        disabled={locked}
        checked={value !== null}
        onChange={(event) => onChange(event.currentTarget.checked ? NO_PRICES : null)}
      />
      {value && (
        <>
          <Amounts
            amounts={value}
            field="prices"
            {...{ problems, locked }}
            onChange={(part) => onChange({ ...value, ...part })}
          />
          {value.tiers.map((tier, place) => (
            <Fieldset key={place} legend={`Tier ${place + 1}`} p="xs">
              <Group mb="xs" align="flex-end">
                <NumberField
                  label="For requests with input above"
                  suffix=" tokens"
                  min={0}
                  readOnly={locked}
                  value={tier.aboveInputTokens}
                  onChange={(above) => onChange(withTier(value, place, { aboveInputTokens: above ?? 0 }))}
                />
                {!locked && (
                  <ActionIcon
                    color="red"
                    size="input-xs"
                    aria-label={`Remove tier ${place + 1}`}
                    onClick={() => onChange({ ...value, tiers: value.tiers.filter((_, at) => at !== place) })}
                  >
                    <IconTrash size={14} aria-hidden />
                  </ActionIcon>
                )}
              </Group>
              <Amounts
                amounts={tier}
                field={`prices.tiers[${place}]`}
                {...{ problems, locked }}
                onChange={(part) => onChange(withTier(value, place, part))}
              />
            </Fieldset>
          ))}
          {!locked && (
            <Group>
              <Button
                variant="default"
                leftSection={<IconPlus size={14} aria-hidden />}
                onClick={() => onChange({ ...value, tiers: [...value.tiers, newTier()] })}
              >
                Add a tier
              </Button>
              <Text size="xs" c="dimmed">
                Empty prices of a tier are the base’s; empty cache prices the input’s.
              </Text>
            </Group>
          )}
        </>
      )}
    </Stack>
  )
}

const withTier = (prices: Prices, place: number, part: Partial<Prices['tiers'][number]>): Prices => ({
  ...prices,
  tiers: prices.tiers.map((tier, at) => (at === place ? { ...tier, ...part } : tier)),
})

interface AmountsProps {
  amounts: Record<Amount, string>
  field: string
  problems: readonly Problem[]
  locked: boolean
  onChange: (part: Partial<Record<Amount, string>>) => void
}

function Amounts({ amounts, field, problems, locked, onChange }: AmountsProps) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="xs">
      {AMOUNTS.map((name) => (
        <AmountField
          key={name}
          label={AMOUNT_WORDS[name][0]}
          leftSection="$"
          readOnly={locked}
          value={amounts[name]}
          onChange={(value) => onChange({ [name]: value })}
          error={problemAt(problems, `${field}.${AMOUNT_WORDS[name][1]}`)}
        />
      ))}
    </SimpleGrid>
  )
}
