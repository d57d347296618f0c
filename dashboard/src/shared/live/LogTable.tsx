/** A log of any length: only the rows in sight are in the page. New rows do not move what somebody reads. */
import { Box } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react'
import { clock, count, duration, money, NOTHING } from '../formats'
import classes from './LogTable.module.css'
import type { LogRow } from './queries'
import { STATUS_COLORS } from './StatusBadge'

interface Column {
  label: string
  numeric?: boolean
  width: string
  cell: (row: LogRow) => ReactNode
}

const COLUMNS: Column[] = [
  { label: 'Timestamp', width: '170px', cell: ({ at }) => clock(at) },
  { label: 'Model', width: 'minmax(120px, 1.5fr)', cell: ({ model }) => model ?? NOTHING },
  { label: 'Status', width: '150px', cell: ({ status }) => <Status status={status} /> },
  {
    label: 'Input Tokens',
    width: '105px',
    numeric: true,
    cell: ({ inputTokens, estimated }) => approximate(inputTokens, estimated),
  },
  {
    label: 'Output Tokens',
    width: '110px',
    numeric: true,
    cell: ({ outputTokens, estimated }) => approximate(outputTokens, estimated),
  },
  {
    label: 'Cost',
    width: '100px',
    numeric: true,
    cell: ({ cost, inputTokens }) => (inputTokens === null ? NOTHING : money(cost)),
  },
  { label: 'Latency', width: '90px', numeric: true, cell: ({ latencyMs }) => duration(latencyMs) },
  { label: 'Attempts', width: '80px', numeric: true, cell: ({ attempts }) => count(attempts) },
  { label: 'Kind', width: '110px', cell: ({ callType, stream }) => `${callType}${stream ? ', stream' : ''}` },
]
const TEMPLATE = COLUMNS.map(({ width }) => width).join(' ')
const ROW_PX = 30
const OVERSCAN = 6

const approximate = (tokens: number | null, estimated: boolean): string =>
  `${estimated && tokens !== null ? '≈ ' : ''}${count(tokens)}`

interface Props {
  rows: readonly LogRow[]
  onOpen: (row: LogRow) => void
  hasOlder: boolean
  onOlder: () => void
  label: string
  height?: string
}

export function LogTable({ rows, onOpen, hasOlder, onOlder, label, height = 'calc(100vh - 260px)' }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [focused, setFocused] = useState<string>()
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer is read while drawing only, nothing of it is memoised
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    getItemKey: (index) => rows[index]?.cursor ?? index,
  })

  useSteadyScroll(box, rows, virtual.scrollOffset ?? 0)

  const shown = virtual.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0
  useLayoutEffect(() => {
    if (hasOlder && last >= rows.length - 1) onOlder()
  }, [hasOlder, last, rows.length, onOlder])

  function pressed(event: KeyboardEvent, index: number): void {
    const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: rows.length - 1 }[event.key]
    const row = next === undefined ? undefined : rows[next]
    if (next === undefined || !row) return
    event.preventDefault()
    setFocused(row.cursor)
    virtual.scrollToIndex(next)
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-cursor="${row.cursor}"]`)?.focus())
  }

  const reachable = focused !== undefined && shown.some(({ key }) => key === focused) ? focused : shown[0]?.key
  return (
    <Box
      ref={box}
      className={`${classes.box} shows-more`}
      style={{ height }}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
    >
      <div role="rowgroup" className={classes.head}>
        <div role="row" aria-rowindex={1} className={classes.row} style={{ gridTemplateColumns: TEMPLATE }}>
          {COLUMNS.map((column) => (
            <div key={column.label} role="columnheader" data-numeric={column.numeric}>
              {column.label}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {shown.map((item) => {
          const row = rows[item.index]
          return (
            row && (
              // The keyboard's way to open a row is the button in its first cell.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events
              <div
                key={item.key}
                role="row"
                tabIndex={-1}
                aria-rowindex={item.index + 2}
                className={`${classes.row} ${classes.line}`}
                style={{ gridTemplateColumns: TEMPLATE, transform: `translateY(${item.start}px)`, height: ROW_PX }}
                onClick={() => onOpen(row)}
              >
                {COLUMNS.map((column, place) => (
                  <div key={column.label} role="cell" data-numeric={column.numeric}>
                    {place === 0 ? (
                      <button
                        type="button"
                        className={classes.open}
                        data-cursor={row.cursor}
                        tabIndex={item.key === reachable ? 0 : -1}
                        aria-label={`Trace of ${clock(row.at)}`}
                        onFocus={() => setFocused(row.cursor)}
                        onKeyDown={(event) => pressed(event, item.index)}
                        onClick={(event) => {
                          event.stopPropagation()
                          onOpen(row)
                        }}
                      >
                        {column.cell(row)}
                      </button>
                    ) : (
                      column.cell(row)
                    )}
                  </div>
                ))}
              </div>
            )
          )
        })}
      </div>
    </Box>
  )
}

/** As `StatusBadge`, of plain elements: hundreds of rows a second are drawn. */
function Status({ status }: { status: string }) {
  return (
    <>
      <span
        className={classes.dot}
        style={{ background: `var(--mantine-color-${STATUS_COLORS[status] ?? 'gray'}-filled)` }}
        aria-hidden
      />
      {status}
    </>
  )
}

/** Keeps the rows in sight where they are when others come above them, unless the newest are in sight themselves. */
function useSteadyScroll(box: RefObject<HTMLDivElement | null>, rows: readonly LogRow[], scrolled: number): void {
  const first = useRef<string>(undefined)
  useLayoutEffect(() => {
    const before = first.current
    first.current = rows[0]?.cursor
    // `scrolled`, not the element's own: to ask that would lay the whole page out at each draw.
    if (!before || scrolled < ROW_PX || before === first.current) return
    const added = rows.findIndex(({ cursor }) => cursor === before)
    if (added > 0) box.current?.scrollBy({ top: added * ROW_PX, behavior: 'instant' })
  }, [box, rows, scrolled])
}
