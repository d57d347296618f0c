/** A routing decision in full: what was asked, who was left out and why, what each policy said, and the order that came of it. */
import { Badge, Code, Group, Stack, Table, Text, Title } from '@mantine/core'
import { count } from '../formats'
import type { Decision } from './fragments'
import { ScoreTable } from './ScoreTable'

export function DecisionView({ decision }: { decision: Decision }) {
  const { facts, order, policies } = decision
  return (
    <Stack gap="md">
      {facts && <Facts facts={facts} />}
      <div>
        <Title order={3} mb={4}>
          Order
        </Title>
        {order.length === 0 ? (
          <Text size="sm" c="red">
            No model was left.
          </Text>
        ) : (
          <Group gap={6} component="ol" p={0} m={0}>
            {order.map((model, place) => (
              <Badge key={model} component="li" variant={place === 0 ? 'filled' : 'default'} tt="none" fw={500}>
                {place + 1}. {model}
              </Badge>
            ))}
          </Group>
        )}
      </div>
      <LeftOut decision={decision} />
      {policies.length === 0 ? (
        <Text size="sm" c="dimmed">
          {order.length ? 'No policy ran: models are tried in the project’s order.' : 'No policy ran.'}
        </Text>
      ) : (
        <ScoreTable decision={decision} />
      )}
    </Stack>
  )
}

function Facts({ facts }: { facts: NonNullable<Decision['facts']> }) {
  const words = [
    `${facts.dialect}${facts.stream ? ', streamed' : ''}`,
    facts.modelNamed && `asks for “${facts.modelNamed}”`,
    `about ${count(facts.inputTokensEstimate)} input tokens, at most ${count(facts.inputTokensBound)}`,
    facts.outputTokensCap !== null && `at most ${count(facts.outputTokensCap)} output tokens`,
    facts.answers > 1 && `${count(facts.answers)} answers`,
    facts.needs.length > 0 && `needs ${facts.needs.join(', ')}`,
  ]
  return (
    <div>
      <Title order={3} mb={4}>
        Request
      </Title>
      <Text size="sm">{words.filter(Boolean).join(' · ')}</Text>
    </div>
  )
}

interface Exclusion {
  model: string
  by: string
  reason: string
}

export function exclusions({ unable, dropped, policies }: Decision): Exclusion[] {
  return [
    ...unable.map(({ model, reason }) => ({ model, by: 'its provider', reason })),
    ...dropped.map(({ model, reason }) => ({ model, by: 'a limit', reason })),
    ...policies.flatMap(({ kind, models }) =>
      models.filter(({ excluded }) => excluded).map(({ model, reason }) => ({ model, by: kind, reason: reason ?? '' })),
    ),
  ]
}

function LeftOut({ decision }: { decision: Decision }) {
  const found = exclusions(decision)
  if (found.length === 0) return null
  return (
    <div>
      <Title order={3} mb={4}>
        Left out
      </Title>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Model</Table.Th>
            <Table.Th>By</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {found.map(({ model, by, reason }, place) => (
            <Table.Tr key={place}>
              <Table.Td>
                <Code>{model}</Code>
              </Table.Td>
              <Table.Td>{by}</Table.Td>
              <Table.Td>{reason}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  )
}
