/**
 * Where a provider's key is: typed here and sealed by the API, or named. What is typed is in the field alone, never in the page's
 * state; `take` reads it and `clear` empties the field once it was sent.
 */
import { PasswordInput, SegmentedControl, Stack, Text, TextInput } from '@mantine/core'
import { useImperativeHandle, useRef, useState, type Ref } from 'react'

export type Credential = { key: string } | { env: string } | { file: string }

export interface KeyHandle {
  /** What was given; null where nothing was. */
  take: () => Credential | null
  clear: () => void
}

interface Props {
  ref: Ref<KeyHandle>
  error?: string | undefined
  required?: boolean
  onTyped?: () => void
}

type Source = 'key' | 'env' | 'file'
const NAMED: Record<Exclude<Source, 'key'>, [string, string]> = {
  env: ['Variable', 'A variable WAYBILL_SECRET_… in the environment of the proxies.'],
  file: ['File', 'A file in the secrets folder of the proxies.'],
}

export function KeyField({ ref, error, required = false, onTyped }: Props) {
  const [source, setSource] = useState<Source>('key')
  const field = useRef<HTMLInputElement>(null)
  useImperativeHandle(ref, () => ({
    take: () => {
      const value = field.current?.value.trim() ?? ''
      if (!value) return null
      return source === 'key' ? { key: value } : source === 'env' ? { env: value } : { file: value }
    },
    clear: () => {
      if (field.current) field.current.value = ''
    },
  }))
  const common = {
    ref: field,
    error,
    required,
    autoComplete: 'off',
    spellCheck: false,
    ...(onTyped && { onInput: onTyped }),
  }
  return (
    <Stack gap="xs">
      <SegmentedControl
        aria-label="Where the key is"
        value={source}
        onChange={(value) => setSource(value as Source)}
        data={[
          { value: 'key', label: 'Enter it' },
          { value: 'env', label: 'In a variable' },
          { value: 'file', label: 'In a file' },
        ]}
      />
      {source === 'key' ? (
        <PasswordInput
          key="key"
          {...common}
          label="Key"
          description="Sealed before it is written: no answer, log or commit holds it."
          data-1p-ignore
          data-lpignore="true"
        />
      ) : (
        <TextInput key={source} {...common} label={NAMED[source][0]} description={NAMED[source][1]} />
      )}
      <Text size="xs" c="dimmed">
        It goes to the provider’s present address alone. Another address needs it again.
      </Text>
    </Stack>
  )
}
