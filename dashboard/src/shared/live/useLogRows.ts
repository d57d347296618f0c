/** A log's rows as state: those of `filter`, kept up to date at `pace`. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useClient } from 'urql'
import type { LogFilter } from './queries'
import { LogReader, type Pace, type Shown } from './reader'
import { logSource } from './source'

export interface Log extends Shown {
  older: () => void
  refresh: () => void
}

/** `filter` must keep its identity while it means the same. */
export function useLogRows(filter: LogFilter, pace: Pace): Log {
  const client = useClient()
  const reader = useRef<LogReader>(undefined)
  const [shown, setShown] = useState<Shown>({
    rows: [],
    hasOlder: false,
    state: 'loading',
    connection: 'connecting',
    problem: undefined,
  })

  useEffect(() => {
    const opened = new LogReader(logSource(client, filter), (changed) =>
      setShown((before) => ({ ...before, ...changed })),
    )
    reader.current = opened
    void opened.open()
    return () => opened.close()
  }, [client, filter])

  // After the one above: a new reader is told the pace too.
  useEffect(() => reader.current?.keep(pace), [client, filter, pace])

  const older = useCallback(() => void reader.current?.older(), [])
  const refresh = useCallback(() => void reader.current?.refresh(), [])
  return { ...shown, older, refresh }
}
