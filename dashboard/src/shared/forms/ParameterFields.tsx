/** A form drawn from published parameter descriptions. A field that is emptied falls back to its default and leaves the file. */
import { Fieldset, MultiSelect, Select, Stack, Switch, TagsInput, Textarea, TextInput } from '@mantine/core'
import type { ApiType, Json } from '../../api/graphql'
import { problemAt, type Problem } from '../change'
import { shownAmount } from './amounts'
import { MapField } from './MapField'
import { missing } from './missing'
import { NumberField } from './NumberField'

export interface Parameter {
  name: string
  title: string
  type: ApiType<'ParameterType'>
  help: string
  unit: string
  required: boolean
  default: Json
  minimum: number | null
  maximum: number | null
  maxLength: number | null
  choices: readonly string[]
  items?: Parameter | null
  fields?: readonly Parameter[]
}

export type Values = Record<string, Json>

export interface FieldsProps {
  parameters: readonly Parameter[]
  value: Values
  onChange: (value: Values) => void
  /** Ids of the models that a parameter may name. */
  models: readonly string[]
  problems: readonly Problem[]
  /** Where the values stand in their file, for finding problems. */
  field: string
  /** Whether the viewer may only look. */
  locked: boolean
}

export function ParameterFields(props: FieldsProps) {
  const { parameters, value, onChange, field } = props
  function put(name: string, given: Json | undefined): void {
    const others = Object.entries(value).filter(([each]) => each !== name)
    onChange(Object.fromEntries(given === undefined ? others : [...others, [name, given]]))
  }
  return (
    <Stack gap="sm">
      {parameters.map((parameter) => (
        <Field
          key={parameter.name}
          {...props}
          parameter={parameter}
          given={value[parameter.name]}
          onGive={(given) => put(parameter.name, given)}
          field={`${field}.${parameter.name}`}
        />
      ))}
    </Stack>
  )
}

interface FieldProps extends Omit<FieldsProps, 'value' | 'onChange' | 'parameters'> {
  parameter: Parameter
  /** Undefined where the default holds. */
  given: Json | undefined
  onGive: (given: Json | undefined) => void
}

const LONG = 400

export function Field({ parameter, given, onGive, models, problems, field, locked }: FieldProps) {
  const { title, type, help, unit, required, minimum, maximum, maxLength, choices, items, fields } = parameter
  const fallback = parameter.default
  const common = {
    label: title,
    description: unit ? `${help} (${unit})` : help,
    required,
    readOnly: locked,
    error: problemAt(problems, field) && (missing(parameter, given) ?? problemAt(problems, field)),
  }
  const hint = fallback === null ? '' : typeof fallback === 'object' ? JSON.stringify(fallback) : said(fallback)
  switch (type) {
    case 'BOOLEAN':
      return (
        <Switch
          {...common}
          disabled={locked}
          checked={Boolean(given ?? fallback)}
          onChange={(event) => onGive(event.currentTarget.checked)}
        />
      )
    case 'INTEGER':
    case 'NUMBER':
      return (
        <NumberField
          {...common}
          placeholder={hint}
          allowDecimal={type === 'NUMBER'}
          {...(minimum !== null && { min: minimum })}
          {...(maximum !== null && { max: maximum })}
          clampBehavior="none"
          value={typeof given === 'number' ? given : null}
          onChange={(value) => onGive(value ?? undefined)}
        />
      )
    case 'ENUM':
      return (
        <Select
          {...common}
          placeholder={hint}
          clearable={!required}
          data={[...choices]}
          value={text(given)}
          onChange={(value) => onGive(value ?? undefined)}
        />
      )
    case 'MODEL':
      return (
        <Select
          {...common}
          searchable
          clearable={!required}
          data={[...models]}
          value={text(given)}
          onChange={(value) => onGive(value ?? undefined)}
        />
      )
    case 'LIST':
      return items?.type === 'MODEL' ? (
        <MultiSelect
          {...common}
          searchable
          data={[...models]}
          value={texts(given)}
          onChange={(value) => onGive(listed(value))}
        />
      ) : (
        <TagsInput
          {...common}
          placeholder="Type, then press Enter"
          splitChars={[]}
          value={texts(given)}
          onChange={(value) => onGive(listed(value))}
        />
      )
    case 'MAP':
      return (
        <MapField
          parameter={parameter}
          given={given}
          onGive={onGive}
          models={models}
          problems={problems}
          field={field}
          locked={locked}
        />
      )
    case 'OBJECT':
      return (
        <Fieldset legend={title}>
          <ParameterFields
            parameters={fields ?? []}
            value={record(given)}
            onChange={onGive}
            models={models}
            problems={problems}
            field={field}
            locked={locked}
          />
        </Fieldset>
      )
    case 'STRING': {
      const long = (maxLength ?? 0) > LONG
      const change = (event: { currentTarget: { value: string } }): void =>
        onGive(event.currentTarget.value || undefined)
      return long ? (
        <Textarea
          {...common}
          autosize
          minRows={2}
          maxRows={16}
          placeholder={hint}
          value={text(given) ?? ''}
          onChange={change}
        />
      ) : (
        <TextInput {...common} placeholder={hint} value={text(given) ?? ''} onChange={change} />
      )
    }
  }
}

const said = (value: string | number | boolean): string =>
  typeof value === 'number' ? shownAmount(String(value)) : String(value)
const text = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null)
const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : [])
const listed = (value: string[]): Json | undefined => (value.length ? value : undefined)
export const record = (value: Json | undefined): Values =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {}
