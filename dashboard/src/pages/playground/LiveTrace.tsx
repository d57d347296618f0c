/** Why the answer came from where it came: the request's trace, as soon as it is recorded. */
import { Alert, Anchor, Badge, Code, Group, Progress, Stack, Table, Text, Title } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { inWords } from '../../api/client'
import { graphql, type ResultOf } from '../../api/graphql'
import { duration, money, score, shortRevision } from '../../shared/formats'
import { Waiting } from '../../shared/Waiting'
import type { Reply } from './chat'
import { Steps } from './Steps'
import type { Step } from './useProgress'

const TRACE = graphql(`
  query PlaygroundTrace($id: ID!) {
    requestLog(id: $id) {
      status
      model
      cost
      inputTokens
      outputTokens
      latencyMs
      firstByteMs
      error
      revision
      trace {
        order
        totals {
          model
          total
        }
        dropped {
          model
          reason
        }
        policies {
          kind
          weight
          failed
          models {
            model
            score
            excluded
            reason
          }
        }
        attempts {
          model
          status
          startedMs
          firstByteMs
          endedMs
          error
        }
      }
    }
  }
`)

type Request = NonNullable<ResultOf<typeof TRACE>['requestLog']>
type Trace = NonNullable<Request['trace']>
const ASKED_EVERY_MS = 400
const LATE_AFTER_MS = 15_000

interface Props {
  reply: Reply | null
  /** Whether the answer is still coming: its trace is recorded when it ends. */
  busy: boolean
  /** What happened inside requests, where a project is watched. */
  steps: readonly Step[]
}

export function LiveTrace({ reply, busy, steps }: Props) {
  const id = reply?.traceId ?? ''
  const kept = Boolean(id) && reply?.recorded === true
  const [late, setLate] = useState(false)
  const [{ data, error }, ask] = useQuery({
    query: TRACE,
    variables: { id },
    pause: !kept || busy,
    requestPolicy: 'network-only',
  })
  // The id comes with the answer's headers: what was told before it is kept until then.
  const own = id ? steps.filter(({ traceId, cause }) => traceId === id || cause === id) : []
  const found = kept ? data?.requestLog : null
  const waiting = kept && !busy && !found && !error
  useEffect(() => {
    if (!waiting) return
    const timer = setInterval(() => ask({ requestPolicy: 'network-only' }), ASKED_EVERY_MS)
    const patience = setTimeout(() => setLate(true), LATE_AFTER_MS)
    return () => {
      clearInterval(timer)
      clearTimeout(patience)
    }
  }, [waiting, ask])

  if (!reply) {
    return (
      <Text size="sm" c="dimmed">
        Send a message: which models were considered, and why one was chosen, is shown here.
      </Text>
    )
  }
  return (
    <Stack gap="sm" aria-live="polite">
      <Group gap="xs">
        {reply.model && (
          <Badge tt="none" role="note" aria-label="Answered by">
            {reply.model}
          </Badge>
        )}
        {found && (
          <Anchor component={Link} to={`/requests/${id}`} size="xs">
            Whole trace
          </Anchor>
        )}
        {reply.recorded && reply.revision && (
          <Anchor component={Link} to={`/changes/${reply.revision}`} size="xs">
            decided by {shortRevision(reply.revision)}
          </Anchor>
        )}
      </Group>
      {busy && reply.recorded && <Text size="sm">Routed; the trace follows when the answer ends.</Text>}
      {own.length > 0 && <Steps steps={own} />}
      {waiting && (
        <Waiting what={late ? 'Not recorded yet: Status says whether the recorder is behind.' : 'Being recorded…'} />
      )}
      {!busy && !reply.recorded && (
        <Text size="sm" c="dimmed">
          A request without a valid token is counted, not recorded: it has no trace.
        </Text>
      )}
      {error && <Alert color="red">{inWords(error)}</Alert>}
      {!busy && found && <Recorded request={found} />}
    </Stack>
  )
}

function Recorded({ request }: { request: Request }) {
  return (
    <>
      <Text size="sm">
        {request.status} in {duration(request.latencyMs)}, first byte after {duration(request.firstByteMs)},{' '}
        {request.inputTokens ?? 0} in and {request.outputTokens ?? 0} out, {money(request.cost)}
      </Text>
      {request.error && <Alert color="red">{request.error}</Alert>}
      {request.trace && <Scores trace={request.trace} />}
      {request.trace && <Attempts trace={request.trace} />}
    </>
  )
}

function Scores({ trace }: { trace: Trace }) {
  const best = Math.max(...trace.totals.map(({ total }) => total), Number.EPSILON)
  return (
    <div>
      <Title order={3} mb={4}>
        Scores
      </Title>
      <Table.ScrollContainer minWidth={260}>
        <Table fz="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Model</Table.Th>
              {trace.policies.map(({ kind, weight }, place) => (
                <Table.Th key={place} ta="right">
                  <Anchor component={Link} to={`/docs/concepts-routing#${kind}`} inherit>
                    {kind}
                  </Anchor>
                  {` × ${weight}`}
                </Table.Th>
              ))}
              <Table.Th ta="right">Total</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {trace.totals.map(({ model, total }) => (
              <Table.Tr key={model}>
                <Table.Td>
                  {model}
                  <Progress value={(100 * total) / best} size={3} aria-label={`${model}: ${score(total)}`} />
                </Table.Td>
                {trace.policies.map((policy, place) => {
                  const said = policy.models.find((each) => each.model === model)
                  return (
                    <Table.Td key={place} ta="right" title={said?.reason ?? policy.failed ?? undefined}>
                      {policy.failed ? 'failed' : said?.excluded ? 'excluded' : said ? score(said.score) : '–'}
                    </Table.Td>
                  )
                })}
                <Table.Td ta="right">{trace.order.includes(model) ? score(total) : 'out'}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {trace.dropped.map(({ model, reason }) => (
        <Text key={model} size="xs" c="dimmed">
          <Code>{model}</Code> {reason}
        </Text>
      ))}
    </div>
  )
}

function Attempts({ trace }: { trace: Trace }) {
  return (
    <div>
      <Title order={3} mb={4}>
        Attempts
      </Title>
      <Stack component="ol" gap={2} m={0} pl="md">
        {trace.attempts.map((attempt, place) => (
          <Text component="li" size="xs" key={place}>
            {attempt.model}: {attempt.status}, from {duration(attempt.startedMs)} to {duration(attempt.endedMs)}
            {attempt.error && `: ${attempt.error}`}
          </Text>
        ))}
      </Stack>
    </div>
  )
}
