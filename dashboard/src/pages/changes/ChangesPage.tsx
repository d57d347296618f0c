/** Every change of the configuration, newest first, with its author and reason; new ones appear as they are published. */
import { Alert, Button, Group, Modal, Paper, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconGitCommit } from '@tabler/icons-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { useQuery } from 'urql'
import { OPTIONS_DRAWN, useProjectChoices } from '../../shared/choices'
import { useConfiguration } from '../../shared/configuration'
import { Empty } from '../../shared/Empty'
import { useTyped } from '../../shared/forms/useTyped'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { BlameSearch } from './BlameSearch'
import { HISTORY, type RevisionLine } from './queries'
import { Revisions } from './Revisions'

export default function ChangesPage() {
  const [params, setParams] = useSearchParams()
  const [blaming, setBlaming] = useState(false)
  const project = params.get('project')
  const path = params.get('path') ?? ''
  const field = params.get('field') ?? ''
  const asked = JSON.stringify({ project, path: path || null, field: field || null })
  const set = (name: string, value: string): void =>
    setParams(
      (before) =>
        new URLSearchParams([...[...before].filter(([key]) => key !== name), ...(value ? [[name, value]] : [])]),
      { replace: true },
    )
  const [typedPath, typePath] = useTyped(path, (text) => set('path', text))
  const [typedField, typeField] = useTyped(field, (text) => set('field', text))
  const projects = useProjectChoices().map(({ slug, name }) => ({ value: slug, label: name }))
  return (
    <>
      <PageHead title="Changes" about="Every value has an author, a date and a reason.">
        <Button variant="default" onClick={() => setBlaming(true)}>
          Who set a field?
        </Button>
      </PageHead>
      <Group align="flex-end" mb="md">
        <Select
          label="Project"
          placeholder="All"
          data={projects}
          value={project}
          clearable
          searchable
          limit={OPTIONS_DRAWN}
          onChange={(value) => set('project', value ?? '')}
        />
        <TextInput
          label="File or folder"
          placeholder={project ? 'any of the project’s' : 'models/sim-fast.yaml'}
          type="search"
          disabled={project !== null}
          value={project ? '' : typedPath}
          onChange={(event) => typePath(event.currentTarget.value)}
        />
        <TextInput
          label="Field"
          placeholder="limits.rules[0].value"
          disabled={!project && !path}
          value={typedField}
          onChange={(event) => typeField(event.currentTarget.value)}
          w={220}
        />
      </Group>
      <Pages key={asked} asked={JSON.parse(asked) as Asked} />
      <Modal opened={blaming} onClose={() => setBlaming(false)} title="Who set a field, when and why" size="lg">
        <BlameSearch />
      </Modal>
    </>
  )
}

type Asked = {
  project: string | null
  path: string | null
  field: string | null
}

/** The first page stays live; older ones are added below as they are asked for. */
function Pages({ asked }: { asked: Asked }) {
  const variables = asked.project ? { ...asked, path: null } : asked.path ? asked : { ...asked, field: null }
  const newest = useConfiguration({ query: HISTORY, variables: { ...variables, after: null } })
  const [older, setOlder] = useState<string[]>([])
  return (
    <Loaded of={newest}>
      {({ history }) =>
        history.nodes.length === 0 && !history.pageInfo.hasNextPage ? (
          <Empty
            title="No change"
            hint="Nothing that you may see was changed there. Look at another file, or at everything."
          />
        ) : (
          <Stack>
            <Paper withBorder>
              <Revisions revisions={history.nodes} />
              {older.map((after) => (
                <OlderPage
                  key={after}
                  variables={{ ...variables, after }}
                  seen={history.nodes}
                  onNext={(next) => setOlder([...older, next])}
                  last={after === older.at(-1)}
                />
              ))}
            </Paper>
            {older.length === 0 && history.pageInfo.hasNextPage && history.pageInfo.endCursor && (
              <More onMore={() => setOlder([history.pageInfo.endCursor ?? ''])} />
            )}
          </Stack>
        )
      }
    </Loaded>
  )
}

interface OlderProps {
  variables: Asked & { after: string }
  seen: readonly RevisionLine[]
  onNext: (after: string) => void
  /** Whether it is the last page so far, under which one may ask for more. */
  last: boolean
}

function OlderPage({ variables, seen, onNext, last }: OlderProps) {
  const answer = useQuery({ query: HISTORY, variables, requestPolicy: 'cache-first' })
  const shown = new Set(seen.map(({ commit }) => commit))
  return (
    <Loaded of={answer}>
      {({ history }) => (
        <>
          <Revisions revisions={history.nodes.filter(({ commit }) => !shown.has(commit))} />
          {last && history.pageInfo.hasNextPage && <More onMore={() => onNext(history.pageInfo.endCursor ?? '')} />}
          {last && !history.pageInfo.hasNextPage && (
            <Alert variant="transparent" icon={<IconGitCommit size={16} aria-hidden />}>
              <Text size="sm">This is where it began.</Text>
            </Alert>
          )}
        </>
      )}
    </Loaded>
  )
}

function More({ onMore }: { onMore: () => void }) {
  return (
    <Group justify="center" p="sm">
      <Button variant="default" onClick={onMore}>
        Older changes
      </Button>
    </Group>
  )
}
