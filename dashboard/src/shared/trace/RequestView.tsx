/** One request in full: how it ended, what it cost, which commit decided, why that model, and each attempt. */
import { Alert, Anchor, Code, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { useViewer } from '../../app/Viewer'
import { DecisionView } from '../decision/DecisionView'
import { duration, money } from '../formats'
import { Loaded } from '../Loaded'
import { StatusBadge } from '../live/StatusBadge'
import { AttemptTimeline } from './AttemptTimeline'
import { DecideAgain } from './DecideAgain'
import { CONTENT, REQUEST, type Request } from './queries'
import { RequestSummary } from './RequestSummary'

export function RequestView({ id }: { id: string }) {
  const answer = useQuery({ query: REQUEST, variables: { id } })
  return (
    <Loaded of={answer}>
      {({ requestLog }) =>
        requestLog ? (
          <Found request={requestLog} />
        ) : (
          <Alert color="yellow">There is no such request, or it is no longer kept, or you may not see it.</Alert>
        )
      }
    </Loaded>
  )
}

function Found({ request }: { request: Request }) {
  const { trace } = request
  return (
    <Stack gap="lg">
      <RequestSummary request={request} />
      {request.error && (
        <Alert color="red" title={request.errorCode ?? 'Failed'}>
          {request.error}
        </Alert>
      )}
      {trace ? (
        <>
          <section aria-label="Attempts">
            <Title order={2} mb="xs">
              Attempts
            </Title>
            <AttemptTimeline attempts={trace.attempts} totalMs={request.latencyMs} />
          </section>
          <section aria-label="Decision">
            <Title order={2} mb="xs">
              Decision
            </Title>
            <DecisionView decision={trace} />
          </section>
          <RoutingCalls request={request} />
          <DecideAgain request={request} order={trace.order} />
          <Content request={request} />
        </>
      ) : (
        <Alert>The trace is no longer kept; the settings say for how long traces are.</Alert>
      )}
    </Stack>
  )
}

function Content({ request: { traceId, projectSlug } }: { request: Request }) {
  const viewer = useViewer()
  const pause = !viewer.may('content:read', projectSlug)
  const [{ data }] = useQuery({ query: CONTENT, variables: { id: traceId }, pause })
  const content = data?.requestLog?.trace?.content
  if (content === undefined || content === null) return null
  return (
    <section aria-label="Content">
      <Title order={2} mb="xs">
        What was said
      </Title>
      <Code block mah={400} style={{ overflow: 'auto' }} tabIndex={0}>
        {JSON.stringify(content, null, 2)}
      </Code>
    </section>
  )
}

function RoutingCalls({ request: { routingCalls } }: { request: Request }) {
  if (routingCalls.length === 0) return null
  return (
    <section aria-label="Calls of policies">
      <Title order={2} mb="xs">
        Calls that policies made
      </Title>
      <Stack gap={4}>
        {routingCalls.map((call) => (
          <Group key={call.traceId} gap="sm">
            <Anchor component={Link} to={`/requests/${call.traceId}`} size="sm">
              {call.model ?? 'no model'}
            </Anchor>
            <StatusBadge status={call.status} />
            <Text size="sm">
              {duration(call.latencyMs)}, {money(call.cost)}
            </Text>
          </Group>
        ))}
      </Stack>
    </section>
  )
}
