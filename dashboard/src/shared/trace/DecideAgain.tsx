/** What today's configuration would do with a request of the past. */
import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useClient } from 'urql'
import { inWords } from '../../api/client'
import type { ResultOf } from '../../api/graphql'
import { DecisionView } from '../decision/DecisionView'
import { shortRevision } from '../formats'
import { EXPLAIN_AGAIN, HEAD, type Request } from './queries'

type Explanation = NonNullable<ResultOf<typeof EXPLAIN_AGAIN>['explainRequest']>

interface Props {
  request: Request
  /** The order that it was decided with. */
  order: readonly string[]
}

export function DecideAgain({ request, order }: Props) {
  const client = useClient()
  const [busy, setBusy] = useState(false)
  const [found, setFound] = useState<Explanation>()
  const [problem, setProblem] = useState<string>()

  async function decide(): Promise<void> {
    setBusy(true)
    const head = await client.query(HEAD, {}, { requestPolicy: 'network-only' }).toPromise()
    const at = head.data?.revision?.commit ?? null
    const { data, error } = await client.query(EXPLAIN_AGAIN, { id: request.traceId, at }).toPromise()
    setBusy(false)
    setFound(data?.explainRequest ?? undefined)
    setProblem(error ? inWords(error) : data?.explainRequest ? undefined : 'Its trace is no longer kept.')
  }

  return (
    <section aria-label="What today’s configuration would do">
      <Group justify="space-between">
        <Title order={2}>What would today’s configuration do?</Title>
        <Button variant="default" onClick={() => void decide()} loading={busy}>
          Decide again
        </Button>
      </Group>
      <div role="status">
        {problem && <Alert color="yellow">{problem}</Alert>}
        {found && (
          <Stack mt="sm">
            <Text size="sm">
              {found.order[0] === order[0]
                ? `The same: ${order[0] ?? 'no model'} first.`
                : `Another: ${found.order[0] ?? 'no model'} first, instead of ${order[0] ?? 'no model'}.`}
              {found.revision && ` By commit ${shortRevision(found.revision)}.`}
              {found.reconstructed && ' Statistics and use of limits were made anew from what is recorded.'}
            </Text>
            <DecisionView decision={found} />
          </Stack>
        )}
      </div>
    </section>
  )
}
