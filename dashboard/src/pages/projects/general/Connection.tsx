/** What an application needs to connect: addresses, and code to copy. The token in it is masked: values are shown once, when made. */
import { Anchor, Button, Code, CopyButton, Group, Stack, Tabs, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import type { Project } from '../queries'
import { SNIPPETS } from './snippets'

type Info = Project['connectionInfo']

export function Connection({ info, slug }: { info: Info; slug: string }) {
  return (
    <Stack>
      <Title order={2}>Connection</Title>
      <Address label="Base URL" value={info.baseUrl} />
      <Address label="With the project in the path" value={info.projectBaseUrl} />
      <Text size="sm">
        Token: <Code>{info.maskedToken}</Code>{' '}
        <Anchor component={Link} to={`/projects/${slug}/tokens`} size="sm">
          make one
        </Anchor>
      </Text>
      <Tabs defaultValue="openai" variant="outline">
        <Tabs.List aria-label="Code for">
          {SNIPPETS.map(({ name, label }) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {SNIPPETS.map(({ name, code }) => (
          <Tabs.Panel key={name} value={name} pt="xs">
            <Code block tabIndex={0}>
              {code(info)}
            </Code>
            <Group mt="xs">
              <Copy value={code(info)} what="Copy the code" />
            </Group>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Stack>
  )
}

function Address({ label, value }: { label: string; value: string }) {
  return (
    <Group gap="xs">
      <Text size="sm" miw={170}>
        {label}
      </Text>
      <Code>{value}</Code>
      <Copy value={value} what="Copy" />
    </Group>
  )
}

function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Button variant="default" size="compact-xs" onClick={copy} aria-live="polite">
          {copied ? 'Copied' : what}
        </Button>
      )}
    </CopyButton>
  )
}
