/** A parameter that holds things by name, such as the intents of semantic-intent: add, edit and remove them. */
import { Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Json } from '../../api/graphql'
import { problemAt, type Problem } from '../change'
import { missing } from './missing'
import { Field, record, type Parameter } from './ParameterFields'

interface Props {
  parameter: Parameter
  given: Json | undefined
  onGive: (given: Json | undefined) => void
  models: readonly string[]
  problems: readonly Problem[]
  field: string
  locked: boolean
}

export function MapField({ parameter, given, onGive, models, problems, field, locked }: Props) {
  const [name, setName] = useState('')
  const { title, help, items } = parameter
  const entries = record(given)
  const problem = problemAt(problems, field) && (missing(parameter, given) ?? problemAt(problems, field))
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
        {problem && (
          <Text size="xs" c="red" role="alert">
            {problem}
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
                locked={locked}
              />
            </div>
            <Button
              variant="subtle"
              color="red"
              disabled={locked}
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
            disabled={locked}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button variant="default" onClick={add} disabled={locked || !name.trim()}>
            Add
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  )
}
