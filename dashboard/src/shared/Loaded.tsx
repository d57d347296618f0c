/** What a query answered, or that it is on its way, or in words why it did not come. Old data stays while new data comes. */
import { Alert, Button, Group } from '@mantine/core'
import type { ReactNode } from 'react'
import type { UseQueryResponse } from 'urql'
import { inWords } from '../api/client'
import { Waiting } from './Waiting'

interface Props<Data, Variables extends Record<string, unknown>> {
  /** What `useQuery` returned. */
  of: UseQueryResponse<Data, Variables>
  children: (data: NonNullable<Data>) => ReactNode
}

export function Loaded<Data, Variables extends Record<string, unknown>>({ of, children }: Props<Data, Variables>) {
  const [{ data, error }, ask] = of
  return (
    <>
      {error && (
        <Alert color={data ? 'yellow' : 'red'} role="alert" mb="md" title={data ? 'Not up to date' : 'Nothing to show'}>
          <Group justify="space-between">
            {inWords(error)}
            <Button variant="default" onClick={() => ask({ requestPolicy: 'network-only' })}>
              Try again
            </Button>
          </Group>
        </Alert>
      )}
      {data ? children(data) : !error && <Waiting />}
    </>
  )
}
