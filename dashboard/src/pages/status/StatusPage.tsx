/** What runs where: the proxies and their revisions, and what of the configuration is not in use, and why. Live. */
import { Badge, Paper, Stack, Title } from '@mantine/core'
import { useEffect, useState, type ReactNode } from 'react'
import { follow, type Connection } from '../../api/subscriptions'
import { useConfiguration } from '../../shared/configuration'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { ConfigurationState } from './ConfigurationState'
import { Proxies } from './Proxies'
import { PROXY_STATE, STATUS, type Proxy } from './queries'

/** A revision that is refused is not published, so no subscription tells of it. */
const ASKED_EVERY_MS = 5_000

export default function StatusPage() {
  const answer = useConfiguration({ query: STATUS })
  const ask = answer[1]
  useEffect(() => {
    const timer = setInterval(() => ask({ requestPolicy: 'network-only' }), ASKED_EVERY_MS)
    return () => clearInterval(timer)
  }, [ask])
  const [proxies, setProxies] = useState<Proxy[]>()
  const [connection, setConnection] = useState<Connection>('connecting')
  useEffect(
    () =>
      follow({
        document: PROXY_STATE,
        variables: () => ({}),
        onData: ({ proxyState }) => setProxies(proxyState),
        onConnection: setConnection,
      }),
    [],
  )
  return (
    <>
      <PageHead title="Status" about="What is published, and what each proxy runs.">
        <Badge variant="dot" color={connection === 'live' ? 'green' : 'yellow'} role="status">
          {connection === 'live' ? 'live' : connection === 'away' ? 'connection lost, trying again' : 'connecting'}
        </Badge>
      </PageHead>
      <Loaded of={answer}>
        {(data) => (
          <Stack gap="lg">
            <Section title="Configuration">
              <ConfigurationState state={data.configuration} />
            </Section>
            <Section title="Proxies">
              <Proxies proxies={proxies ?? data.proxies} published={data.configuration.revision?.commit} />
            </Section>
          </Stack>
        )}
      </Loaded>
    </>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} mb="sm">
        {title}
      </Title>
      {children}
    </Paper>
  )
}
