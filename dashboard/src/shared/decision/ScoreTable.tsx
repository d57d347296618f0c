/** What each policy said of each model, its weight, and the totals: as figures and as bars. */
import { Box, Progress, Table, Text, Title, Tooltip } from '@mantine/core'
import { score } from '../formats'
import type { Decision } from './fragments'

type Policy = Decision['policies'][number]

export function ScoreTable({ decision }: { decision: Decision }) {
  const { policies, totals, order, candidates } = decision
  const total = new Map(totals.map((each) => [each.model, each.total]))
  const models = [...order, ...candidates.filter((model) => !order.includes(model))]
  const most = policies.reduce((sum, { weight, failed }) => sum + (failed === null ? weight : 0), 0)
  return (
    <div>
      <Title order={3} mb={4}>
        Scores
      </Title>
      <Table.ScrollContainer minWidth={420}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Model</Table.Th>
              {policies.map((policy, place) => (
                <Table.Th key={place} scope="col" ta="right">
                  {policy.kind} × {policy.weight}
                  {policy.failed !== null && (
                    <Text size="xs" c="red" fw={400}>
                      failed: {policy.failed}
                    </Text>
                  )}
                </Table.Th>
              ))}
              <Table.Th scope="col">Total</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {models.map((model) => (
              <Table.Tr key={model}>
                <Table.Th scope="row" fw={500}>
                  {model}
                </Table.Th>
                {policies.map((policy, place) => (
                  <Said key={place} policy={policy} model={model} />
                ))}
                <Table.Td miw={150}>
                  <Bar value={total.get(model)} most={most} model={model} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  )
}

function Said({ policy, model }: { policy: Policy; model: string }) {
  const said = policy.models.find((each) => each.model === model)
  if (!said) return <Table.Td ta="right">–</Table.Td>
  const inputs = said.inputs.map(({ name, value }) => `${name} ${String(value)}`).join(', ')
  const words = [said.reason, inputs].filter(Boolean).join(' · ')
  const figure = (
    <Text span size="sm" className="figures" {...(said.excluded && { c: 'red' })} {...(words && { tabIndex: 0 })}>
      {said.excluded ? 'left out' : score(said.score)}
      {!said.excluded && (
        <Text span size="xs" c="dimmed">
          {` → ${score(said.weighted)}`}
        </Text>
      )}
    </Text>
  )
  return (
    <Table.Td ta="right">
      {words ? (
        <Tooltip label={words} multiline maw={360}>
          {figure}
        </Tooltip>
      ) : (
        figure
      )}
    </Table.Td>
  )
}

function Bar({ value, most, model }: { value: number | undefined; most: number; model: string }) {
  if (value === undefined) return <>–</>
  return (
    <Box>
      <Text span size="xs" className="figures">
        {score(value)}
      </Text>
      <Progress
        value={most ? (100 * value) / most : 0}
        size="xs"
        aria-label={`${model}: ${score(value)} of ${score(most)}`}
      />
    </Box>
  )
}
