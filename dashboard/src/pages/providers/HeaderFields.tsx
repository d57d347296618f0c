/** Headers that go with each request to a provider. */
import { ActionIcon, Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'

interface Header {
  name: string
  value: string
}

interface Props {
  value: Header[]
  onChange: (value: Header[]) => void
  locked: boolean
  error: string | undefined
}

export function HeaderFields({ value, onChange, locked, error }: Props) {
  const put = (place: number, part: Partial<Header>): void =>
    onChange(value.map((each, at) => (at === place ? { ...each, ...part } : each)))
  return (
    <Fieldset legend="Headers that go with each request" p="xs">
      <Stack gap="xs">
        {value.map((header, place) => (
          <Group key={place} gap="xs" wrap="nowrap">
            <TextInput
              aria-label={`Name of header ${place + 1}`}
              placeholder="x-team"
              readOnly={locked}
              value={header.name}
              onChange={(event) => put(place, { name: event.currentTarget.value })}
            />
            <TextInput
              aria-label={`Value of header ${place + 1}`}
              style={{ flex: 1 }}
              readOnly={locked}
              value={header.value}
              onChange={(event) => put(place, { value: event.currentTarget.value })}
            />
            {!locked && (
              <ActionIcon
                color="red"
                aria-label={`Remove header ${place + 1}`}
                onClick={() => onChange(value.filter((_, at) => at !== place))}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        {error && (
          <Text size="xs" c="red" role="alert">
            {error}
          </Text>
        )}
        {locked && value.length === 0 && <Text size="sm">None.</Text>}
        {!locked && (
          <Group>
            <Button
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => onChange([...value, { name: '', value: '' }])}
            >
              Add a header
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  )
}
