/** One's own account: password, API keys, sessions and how the dashboard looks. */
import { Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useQuery } from 'urql'
import { ThemeSwitch } from '../../app/ThemeSwitch'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { ApiKeys } from './ApiKeys'
import { PasswordForm } from './PasswordForm'
import { PROFILE } from './queries'
import { Sessions } from './Sessions'

export default function ProfilePage() {
  const answer = useQuery({ query: PROFILE })
  const again = (): void => answer[1]({ requestPolicy: 'network-only' })
  return (
    <Loaded of={answer}>
      {({ viewer }) => (
        <>
          <PageHead title="Profile" about={`${viewer.name || viewer.email} · ${viewer.email} · ${viewer.role}`} />
          <Stack gap="lg" maw={960}>
            <Section title="Password">
              <PasswordForm email={viewer.email} onChanged={again} />
            </Section>
            <Section title="API keys" about="For programs that use the GraphQL API. A key may do what you may.">
              <ApiKeys keys={viewer.apiKeys} onChanged={again} />
            </Section>
            <Section title="Sessions" about="Where you are signed in.">
              <Sessions sessions={viewer.sessions} onChanged={again} />
            </Section>
            <Section title="Theme">
              <Stack maw={220}>
                <ThemeSwitch />
              </Stack>
            </Section>
          </Stack>
        </>
      )}
    </Loaded>
  )
}

function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} mb="xs">
        {title}
      </Title>
      {about && (
        <Text size="sm" c="dimmed" mb="sm">
          {about}
        </Text>
      )}
      {children}
    </Paper>
  )
}
