/** A parameter that holds things by name, such as the intents of semantic-intent: add, edit and remove them. */
import { Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Json } from '../../api/graphql'
import { problemAt, type Problem } from '../change'
import { Field, record, type Parameter } from './ParameterFields'

interface Props {
  parameter: Parameter
  given: Json | undefined
  onGive: (given: Json | undefined) => void
  models: readonly string[]
  problems: readonly Problem[]
  field: string
  disabled: boolean
}

export function MapField({ parameter, given, onGive, models, problems, field, disabled }: Props) {
  const [name, setName] = useState('')
  const { title, help, items } = parameter
  const entries = record(given)
  const put = (changed: Record<string, Json>): void => onGive(Object.keys(changed).length ? changed : undefined)
  if (!items) return null
  const empty: Json = items.type === 'LIST' ? [] : {}

  function add(): void {
    const wanted = name.trim()
    if (!wanted || wanted in entries) return
    put({ ...entries, [wanted]: empty })
    setName('')
  }

  return (
    <Fieldset legend={title}>
      <Stack gap="sm">
        <Text size="xs" c="dimmed">
          {help}
        </Text>
        {problemAt(problems, field) && (
          <Text size="xs" c="red" role="alert">
            {problemAt(problems, field)}
          </Text>
        )}
        {Object.entries(entries).map(([key, value]) => (
          <Group key={key} align="flex-start" wrap="nowrap">
            <div style={{ flex: 1 }}>
              <Field
                parameter={{ ...items, title: key }}
                given={value}
                onGive={(changed) => put({ ...entries, [key]: changed ?? empty })}
                models={models}
                problems={problems}
                field={`${field}.${key}`}
                disabled={disabled}
              />
            </div>
            <Button
              variant="subtle"
              color="red"
              disabled={disabled}
              onClick={() => put(Object.fromEntries(Object.entries(entries).filter(([each]) => each !== key)))}
            >
              Remove {key}
            </Button>
          </Group>
        ))}
        <Group align="flex-end">
          <TextInput
            label={`New name in ${title.toLowerCase()}`}
            value={name}
            disabled={disabled}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button variant="default" onClick={add} disabled={disabled || !name.trim()}>
            Add
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  )
}
