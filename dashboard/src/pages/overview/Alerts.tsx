/** What limits had to say of late: newest first, and new ones as they are raised. */
import { Anchor, Badge, Group, Stack, Text } from '@mantine/core'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { graphql, type ResultOf } from '../../api/graphql'
import { follow } from '../../api/subscriptions'
import { ago, count, instant, money } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'

const RECENT = graphql(`
  query RecentAlerts {
    limitEvents(first: 20) {
      nodes {
        id
        kind
        at
        scope
        project
        token
        model
        metric
        window
        limit
        used
        traceId
      }
    }
  }
`)

const RAISED = graphql(`
  subscription AlertsRaised($after: String) {
    limitEvents(after: $after) {
      cursor
      events {
        id
      }
    }
  }
`)

type LimitEvent = ResultOf<typeof RECENT>['limitEvents']['nodes'][number]

export function Alerts() {
  const answer = useQuery({ query: RECENT })
  const ask = answer[1]
  useEffect(() => {
    let after: string | null = null
    return follow({
      document: RAISED,
      variables: () => ({ after }),
      onData: ({ limitEvents }) => {
        after = limitEvents.cursor
        if (limitEvents.events.length) ask({ requestPolicy: 'network-only' })
      },
    })
  }, [ask])
  return (
    <Loaded of={answer}>
      {({ limitEvents: { nodes } }) =>
        nodes.length === 0 ? (
          <Text size="sm" c="dimmed">
            No limit has come near its end. Limits are set on a project, a token, a model, and in the settings.
          </Text>
        ) : (
          <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
            {nodes.map((event) => (
              <Alert key={event.id} event={event} />
            ))}
          </Stack>
        )
      }
    </Loaded>
  )
}

const KINDS = {
  SHARE: ['near its end', 'yellow'],
  EXHAUSTED: ['used up', 'red'],
  RESET: ['begins anew', 'gray'],
  OVERRUN: ['overrun', 'red'],
} as const

function Alert({ event }: { event: LimitEvent }) {
  const [word, color] = KINDS[event.kind]
  const figure = (value: string): string => (event.metric === 'COST' ? money(value) : count(Number(value)))
  const whose =
    [event.project, event.token && `token ${event.token}`, event.model].filter(Boolean).join(' · ') || 'platform'
  return (
    <Group component="li" gap="sm" wrap="nowrap">
      <Badge size="sm" color={color} variant="dot" miw={96} style={{ flexShrink: 0 }}>
        {word}
      </Badge>
      <Text size="sm" style={{ flex: 1 }}>
        {event.project ? (
          <Anchor component={Link} to={`/projects/${event.project}`} inherit>
            {whose}
          </Anchor>
        ) : (
          whose
        )}
        {`: ${figure(event.used)} of ${figure(event.limit)} ${METRIC[event.metric]}${event.window ? `, ${event.window}` : ''}`}
      </Text>
      {event.traceId && (
        <Anchor component={Link} to={`/requests/${event.traceId}`} size="xs">
          Request
        </Anchor>
      )}
      <Text size="xs" c="dimmed" title={instant(event.at)} style={{ whiteSpace: 'nowrap' }}>
        {ago(event.at)}
      </Text>
    </Group>
  )
}

const METRIC = {
  COST: '',
  CALLS: 'calls',
  INPUT_TOKENS: 'input tokens',
  OUTPUT_TOKENS: 'output tokens',
  TOTAL_TOKENS: 'tokens',
} as const
