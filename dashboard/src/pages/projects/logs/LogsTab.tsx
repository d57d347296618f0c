/** The project's requests as they end; a row opens its trace. Filters and the opened row are in the address. */
import { Alert, Anchor, Button, Drawer, Group, Stack, Text } from '@mantine/core'
import { memo, useCallback, useMemo } from 'react'
import { Link, useSearchParams } from 'react-router'
import { Empty } from '../../../shared/Empty'
import { count } from '../../../shared/formats'
import { LogTable } from '../../../shared/live/LogTable'
import { PaceSelect, usePace } from '../../../shared/live/PaceSelect'
import { useLogRows } from '../../../shared/live/useLogRows'
import { RequestView } from '../../../shared/trace/RequestView'
import { Waiting } from '../../../shared/Waiting'
import type { TabProps } from '../ProjectPage'
import { askedFor, filterOf } from './filters'
import { LogFilters } from './LogFilters'

export default function LogsTab({ project: { slug } }: TabProps) {
  const [params, setParams] = useSearchParams()
  const [pace, paceName, choosePace] = usePace()
  const { params: wanted, ignored } = useMemo(() => askedFor(params), [params])
  const query = wanted.toString()
  const filter = useMemo(() => filterOf(slug, new URLSearchParams(query)), [slug, query])
  const log = useLogRows(filter, pace)
  const opened = params.get('request')
  const filtered = query !== ''

  const put = useCallback(
    (name: string, values: string[]): void =>
      setParams(
        (before) => {
          before.delete(name)
          for (const value of values) before.append(name, value)
          return before
        },
        // Each part of a time that is typed is told: going back takes the whole filter away.
        { replace: name === 'since' || name === 'until' },
      ),
    [setParams],
  )

  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-end">
        <LogFilters slug={slug} params={wanted} onChange={put} />
        <Group gap="xs">
          <Text size="xs" c="dimmed" className="figures">
            {count(log.rows.length)} rows
          </Text>
          {pace !== 'live' && (
            <Button variant="default" onClick={log.refresh}>
              Refresh
            </Button>
          )}
          <PaceSelect name={paceName} onChoose={choosePace} connection={log.connection} />
        </Group>
      </Group>
      {ignored.length > 0 && (
        <Alert color="yellow" role="status">
          The address asks for what no request can have, which is left out: {ignored.join(', ')}.
        </Alert>
      )}
      {log.problem && (
        <Alert color="yellow" role="status">
          {log.problem}
        </Alert>
      )}
      {log.state === 'loading' && !log.problem ? (
        <Waiting />
      ) : log.rows.length === 0 ? (
        <Empty
          title={filtered ? 'No request matches' : 'No request yet'}
          hint={
            filtered ? (
              'Take a filter away to see more.'
            ) : (
              <>
                Send one with a token of this project: the{' '}
                <Anchor component={Link} to={`/projects/${slug}/general`} inherit>
                  General tab
                </Anchor>{' '}
                has the code. It appears here as it ends.
              </>
            )
          }
        />
      ) : (
        <LogTable
          label="Requests, newest first"
          rows={log.rows}
          hasOlder={log.hasOlder}
          onOlder={log.older}
          onOpen={({ traceId }) => put('request', [traceId])}
        />
      )}
      <TraceDrawer id={opened} onClose={put} />
    </Stack>
  )
}

interface TraceDrawerProps {
  id: string | null
  onClose: (name: 'request', values: []) => void
}

const TraceDrawer = memo(function TraceDrawer({ id, onClose }: TraceDrawerProps) {
  return (
    <Drawer
      opened={id !== null}
      onClose={() => onClose('request', [])}
      position="right"
      size="min(1040px, 92vw)"
      title={
        <Group gap="sm">
          <Text fw={600}>Trace</Text>
          {id && (
            <Anchor component={Link} to={`/requests/${id}`} size="xs">
              on a page of its own
            </Anchor>
          )}
        </Group>
      }
    >
      {id && <RequestView key={id} id={id} />}
    </Drawer>
  )
})
