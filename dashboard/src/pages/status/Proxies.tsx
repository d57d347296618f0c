/** Every proxy that has reported: whether it is connected, what it runs, and what it refused. */
import { Alert, Badge, Code, Stack, Table, Text } from '@mantine/core'
import { Empty } from '../../shared/Empty'
import { ago, count, duration, instant, shortRevision } from '../../shared/formats'
import { Revision } from './ConfigurationState'
import type { Proxy } from './queries'

interface Props {
  proxies: readonly Proxy[]
  published: string | undefined
}

export function Proxies({ proxies, published }: Props) {
  if (!proxies.length) {
    return (
      <Empty
        title="No proxy has reported"
        hint={
          <>
            Start one with <Code>waybill proxy</Code>, or API and proxy together with <Code>waybill serve</Code>.
          </>
        }
      />
    )
  }
  return (
    <Stack>
      <Table.ScrollContainer minWidth={720}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              {['Proxy', 'State', 'Runs', 'Behind', 'Lag', 'Last seen'].map((head) => (
                <Table.Th key={head}>{head}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {proxies.map((proxy) => (
              <Row key={proxy.id} proxy={proxy} published={published} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {proxies.map(
        ({ id, refused }) =>
          refused && (
            <Alert
              key={id}
              color="red"
              role="alert"
              title={`${id} refused revision ${shortRevision(refused.revision)}`}
            >
              It goes on with the revision before. {refused.errors.join(' ')}
            </Alert>
          ),
      )}
    </Stack>
  )
}

function Row({ proxy, published }: { proxy: Proxy; published: string | undefined }) {
  return (
    <Table.Tr>
      <Table.Td>
        {proxy.id}{' '}
        <Text span size="xs" c="dimmed">
          pid {proxy.pid}
        </Text>
      </Table.Td>
      <Table.Td>
        <State proxy={proxy} published={published} />
      </Table.Td>
      <Table.Td>{proxy.revision ? <Revision commit={proxy.revision} /> : 'nothing yet'}</Table.Td>
      <Table.Td>{proxy.behind ? `${count(proxy.behind)} revisions` : 'no'}</Table.Td>
      <Table.Td>{proxy.lagMs ? duration(proxy.lagMs) : 'none'}</Table.Td>
      <Table.Td title={instant(proxy.lastSeenAt)}>{proxy.connected ? 'now' : ago(proxy.lastSeenAt)}</Table.Td>
    </Table.Tr>
  )
}

function State({ proxy, published }: { proxy: Proxy; published: string | undefined }) {
  if (!proxy.connected) return <Badge variant="default">away</Badge>
  if (proxy.refused) return <Badge color="red">refused</Badge>
  if (proxy.behind || proxy.revision !== published) return <Badge color="yellow">behind</Badge>
  return <Badge color="green">up to date</Badge>
}
