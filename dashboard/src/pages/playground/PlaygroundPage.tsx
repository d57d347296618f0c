/**
 * Try a project as an application would: chat with a token, with the trace beside it; with one model, or two to compare.
 * The token is in this page's memory and nowhere else: it is gone with the page.
 */
import { Anchor, Button, Group, Paper, PasswordInput, Select, SimpleGrid, Stack, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { OPTIONS_DRAWN, useModelChoices, useProjectChoices } from '../../shared/choices'
import { NumberField } from '../../shared/forms/NumberField'
import { PageHead } from '../../shared/PageHead'
import type { Message } from './chat'
import { Composer } from './Composer'
import { Pane } from './Pane'
import { countsNames, RoutingNotice, useRouting, type Routed } from './Routing'
import { useConversation } from './useConversation'
import { useProgress } from './useProgress'

const lists = ({ routing }: Routed, id: string): boolean => routing.models.some(({ modelId }) => modelId === id)

export default function PlaygroundPage() {
  const [token, setToken] = useState('')
  const [comparing, setComparing] = useState(false)
  const [models, setModels] = useState<[string, string]>(['', ''])
  const [maxTokens, setMaxTokens] = useState<number | null>(null)
  const [project, setProject] = useState<string | null>(null)
  const steps = useProgress(project)
  const projects = useProjectChoices()
  const known = useModelChoices()
  const routed = useRouting(project)
  const one = useConversation({ token, project, model: models[0], maxTokens })
  const other = useConversation({ token, project, model: models[1], maxTokens })
  const asked = comparing ? [one, other] : [one]
  const busy = asked.some((conversation) => conversation.busy)
  const enabled = known.filter((model) => model.enabled).map(({ modelId }) => modelId)
  const names = ['auto', ...(routed ? enabled.filter((id) => lists(routed, id)) : enabled)]
  const named = asked.flatMap((_, place) => models[place]?.trim() || []).filter((model) => model !== 'auto')
  const each = (deed: 'stop' | 'clear'): void => asked.forEach((conversation) => conversation[deed]())
  const send = (message: Message): void => asked.forEach((conversation) => conversation.ask(message))

  return (
    <>
      <PageHead
        title="Playground"
        about="The same requests that an application sends, and why they went where they went."
      >
        <Switch
          label="Compare two models"
          checked={comparing}
          disabled={busy}
          onChange={(event) => {
            setComparing(event.currentTarget.checked)
            each('clear')
            other.clear()
          }}
        />
        <Button
          variant="default"
          onClick={() => each('clear')}
          disabled={asked.every(({ messages }) => messages.length === 0)}
        >
          New conversation
        </Button>
      </PageHead>
      <Stack>
        <Paper withBorder p="md">
          <Group align="flex-start">
            <PasswordInput
              label="Project token"
              description={
                <>
                  In this page’s memory alone.{' '}
                  <Anchor component={Link} to="/projects" inherit underline="always">
                    Make one
                  </Anchor>{' '}
                  on the Tokens tab of a project.
                </>
              }
              placeholder="sk-lr-…"
              autoComplete="off"
              spellCheck={false}
              data-1p-ignore
              data-lpignore="true"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value.trim())}
              w={380}
            />
            <Select
              label="Project"
              description="Whose token it is: says how it routes."
              placeholder="Not said"
              clearable
              searchable
              value={project}
              onChange={setProject}
              data={projects.map(({ slug, name }) => ({ value: slug, label: name }))}
              limit={OPTIONS_DRAWN}
              w={260}
            />
            <NumberField
              label="Most output tokens"
              description="Empty leaves it to project and model."
              min={1}
              value={maxTokens}
              onChange={setMaxTokens}
              w={220}
            />
          </Group>
        </Paper>
        {(comparing || named.length > 0) && <RoutingNotice routed={routed} named={named} />}
        <SimpleGrid cols={comparing ? { base: 1, md: 2 } : 1}>
          {asked.map((conversation, place) => (
            <Pane
              key={place}
              label={comparing ? `Conversation ${place + 1}` : 'Conversation'}
              conversation={conversation}
              model={models[place] ?? ''}
              models={names}
              onModel={(model) => setModels(place === 0 ? [model, models[1]] : [models[0], model])}
              narrow={comparing}
              steps={steps}
              counted={routed ? countsNames(routed) : undefined}
            />
          ))}
        </SimpleGrid>
        <Composer
          busy={busy}
          blocked={token ? null : 'Enter a project token first.'}
          onSend={send}
          onStop={() => each('stop')}
        />
        {busy && (
          <Text size="xs" c="dimmed" role="status">
            The answer is streaming.
          </Text>
        )}
      </Stack>
    </>
  )
}
