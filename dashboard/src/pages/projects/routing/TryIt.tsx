/** A request and what would become of it under what is in the form now: nothing is sent, nothing is saved. */
import { Alert, Button, Group, JsonInput, Select, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useClient } from 'urql'
import { inWords } from '../../../api/client'
import { graphql, type Json, type ResultOf } from '../../../api/graphql'
import { DecisionView } from '../../../shared/decision/DecisionView'
import { ExplanationShown } from '../../../shared/decision/fragments'
import { duration } from '../../../shared/formats'

const EXPLAIN = graphql(
  `
    query Explain($project: String!, $request: RequestInput!, $routing: JSON) {
      explain(project: $project, request: $request, routing: $routing) {
        ...ExplanationShown
      }
    }
  `,
  [ExplanationShown],
)
type Explanation = NonNullable<ResultOf<typeof EXPLAIN>['explain']>

const PATHS = ['/v1/chat/completions', '/v1/messages', '/v1/embeddings']
const EXAMPLE = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }, null, 2)

interface Tried {
  explanation?: Explanation | null
  problem?: string
  tookMs: number
  unsaved: boolean
}

export function TryIt({ slug, routing }: { slug: string; routing: Json }) {
  const client = useClient()
  const [path, setPath] = useState(PATHS[0] ?? '')
  const [body, setBody] = useState(EXAMPLE)
  const [busy, setBusy] = useState(false)
  const [tried, setTried] = useState<Tried>()

  async function run(): Promise<void> {
    const parsed = read(body)
    if (parsed === undefined) return setTried({ problem: 'The body is not JSON.', tookMs: 0, unsaved: false })
    setBusy(true)
    const began = performance.now()
    const variables = { project: slug, request: { path, body: parsed }, routing }
    const { data, error } = await client.query(EXPLAIN, variables, { requestPolicy: 'network-only' }).toPromise()
    setBusy(false)
    setTried({
      ...(data && { explanation: data.explain }),
      ...(error && { problem: inWords(error) }),
      tookMs: performance.now() - began,
      unsaved: routing !== null,
    })
  }

  return (
    <section aria-labelledby="try-title">
      <Title order={2} id="try-title">
        Try it
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        What would become of a request under what is on this page now, saved or not. Nothing is sent; policies that ask
        a model are not asked.
      </Text>
      <Stack>
        <Select
          label="Path"
          data={PATHS}
          value={path}
          allowDeselect={false}
          onChange={(value) => setPath(value ?? path)}
          maw={280}
        />
        <JsonInput
          label="Request body"
          size="xs"
          autosize
          minRows={4}
          maxRows={16}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          value={body}
          onChange={setBody}
        />
        <Group>
          <Button onClick={() => void run()} loading={busy} variant="light">
            Decide
          </Button>
        </Group>
        <div role="status">
          {tried?.problem && <Alert color="red">{tried.problem}</Alert>}
          {tried?.explanation && (
            <Stack>
              <Text size="xs" c="dimmed">
                Decided in {duration(tried.tookMs)}
                {tried.unsaved ? ', by the unsaved routing above.' : ', by the routing that is saved.'}
              </Text>
              <DecisionView decision={tried.explanation} />
            </Stack>
          )}
        </div>
      </Stack>
    </section>
  )
}

function read(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json
  } catch {
    return undefined
  }
}
