/** What a request was and came to, in a list of terms. */
import { Anchor, Code, Group, SimpleGrid, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { count, duration, instant, money, NOTHING, shortRevision } from '../formats'
import { StatusBadge } from '../live/StatusBadge'
import type { Request } from './queries'

export function RequestSummary({ request }: { request: Request }) {
  const { traceId, at, projectSlug, tokenId, model, provider, status, httpStatus, dialect, stream, callType, cause } =
    request
  return (
    <SimpleGrid component="dl" cols={{ base: 2, md: 3 }} spacing="md" verticalSpacing="xs" m={0}>
      <Term name="Status">
        <Group gap="xs">
          <StatusBadge status={status} />
          <Text size="sm">HTTP {httpStatus}</Text>
        </Group>
      </Term>
      <Term name="Model">{model ? `${model} (${provider ?? ''})` : NOTHING}</Term>
      <Term name="Cost">{request.inputTokens === null ? NOTHING : money(request.cost)}</Term>
      <Term name="Arrived">{instant(at)}</Term>
      <Term name="Took">
        {duration(request.latencyMs)}
        {request.firstByteMs !== null && `, first byte after ${duration(request.firstByteMs)}`}
      </Term>
      <Term name="Tokens">
        {count(request.inputTokens)} in, {count(request.outputTokens)} out
        {request.estimated && ' (estimated)'}
        <Parts request={request} />
      </Term>
      <Term name="Project">
        <Anchor component={Link} to={`/projects/${projectSlug}`} size="sm">
          {projectSlug}
        </Anchor>
        {`, token ${tokenId}`}
      </Term>
      <Term name="Decided by commit">
        <Anchor component={Link} to={`/changes/${request.revision}`} size="sm">
          <Code>{shortRevision(request.revision)}</Code> (its difference)
        </Anchor>
      </Term>
      <Term name="Kind">
        {`${callType}, ${dialect}${stream ? ', streamed' : ''}`}
        {cause && (
          <Anchor component={Link} to={`/requests/${cause}`} size="sm" ml={6}>
            the request it was made for
          </Anchor>
        )}
      </Term>
      <Term name="Trace">
        <Code style={{ overflowWrap: 'anywhere' }}>{traceId}</Code>
      </Term>
      {request.labels.length > 0 && (
        <Term name="Labels">{request.labels.map(({ key, value }) => `${key}: ${value}`).join(', ')}</Term>
      )}
    </SimpleGrid>
  )
}

function Parts({ request }: { request: Request }) {
  const parts = [
    request.cachedInputTokens ? `${count(request.cachedInputTokens)} from cache` : '',
    request.cacheWriteTokens ? `${count(request.cacheWriteTokens)} into cache` : '',
    request.reasoningTokens ? `${count(request.reasoningTokens)} reasoning` : '',
  ].filter(Boolean)
  return parts.length ? (
    <Text size="xs" c="dimmed">
      {parts.join(', ')}
    </Text>
  ) : null
}

function Term({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">
        {name}
      </Text>
      <Text component="dd" size="sm" m={0}>
        {children}
      </Text>
    </div>
  )
}
