/** Figures over time as lines. What it shows is on its page as a table or in words too: a canvas says nothing to a screen reader. */
import 'uplot/dist/uPlot.min.css'
import { Box, Group, Text, useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { colorOf } from './colors'

export interface Series {
  label: string
  /** One figure for each of the chart's times; null where there is none, such as a latency without successes. */
  values: (number | null)[]
}

interface Props {
  /** What the chart shows and its sum: its name for who does not see it. */
  label: string
  /** The instants, in Unix ms, rising. */
  times: number[]
  series: Series[]
  /** A figure in words. */
  format: (value: number) => string
  height?: number
  /** Whether the series have names to tell: a single group has one too. */
  named?: boolean
}

const AXIS_WIDTH = 64
const GLYPH_WIDTH = 6.5
const AXIS_HEIGHT = 28

export function SeriesChart({ label, times, series, format, height = 160, named = series.length > 1 }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')

  useEffect(() => {
    const box = place.current
    if (!box) return
    const chart = new uPlot(
      options(box.clientWidth, height, scheme, series, format),
      [times, ...series.map((each) => each.values)],
      box,
    )
    const watch = new ResizeObserver(() => chart.setSize({ width: box.clientWidth, height }))
    watch.observe(box)
    return () => {
      watch.disconnect()
      chart.destroy()
    }
  }, [times, series, format, height, scheme])

  return (
    <figure style={{ margin: 0 }} aria-label={label}>
      <Box ref={place} role="img" aria-label={label} h={height} style={{ minWidth: 0, overflow: 'hidden' }} />
      {named && (
        <Group component="figcaption" gap="sm" mt={4}>
          {series.map((each, number) => (
            <Group key={each.label} gap={6} wrap="nowrap">
              <Box w={10} h={10} bg={colorOf(number, scheme)} style={{ borderRadius: 2 }} aria-hidden />
              <Text size="xs">{each.label}</Text>
            </Group>
          ))}
        </Group>
      )}
    </figure>
  )
}

type Scheme = 'light' | 'dark'

function options(
  width: number,
  height: number,
  scheme: Scheme,
  series: Series[],
  format: (value: number) => string,
): uPlot.Options {
  const ink = scheme === 'dark' ? '#b8bcc4' : '#4b5563'
  const line = scheme === 'dark' ? '#33363d' : '#e5e7eb'
  const axis = {
    stroke: ink,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: '11px sans-serif',
  }
  return {
    width,
    height,
    ms: 1,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, space: 70, size: AXIS_HEIGHT, values: (_, ticks) => ticks.map(tickWords(ticks)) },
      { ...axis, size: room, values: (_, ticks) => ticks.map(format) },
    ],
    series: [{}, ...series.map((each, number) => lineOf(each, number, series.length === 1, scheme))],
    plugins: [readout(format)],
  }
}

/** As wide as the longest of its words. */
const room = (_: uPlot, words: string[] | null): number =>
  Math.max(AXIS_WIDTH, 16 + GLYPH_WIDTH * Math.max(...(words ?? []).map((each) => each.length)))

function lineOf(series: Series, number: number, alone: boolean, scheme: Scheme): uPlot.Series {
  const stroke = colorOf(number, scheme)
  return {
    label: series.label,
    stroke,
    width: 1.5,
    points: { show: true, size: 4, filter: lonely },
    ...(alone && { fill: `${stroke}22` }),
  }
}

/** Figures without a neighbour, which no line would show. */
function lonely(chart: uPlot, place: number): number[] {
  const values = chart.data[place] ?? []
  const indices = [...values.keys()]
  return indices.filter((at) => values[at] != null && values[at - 1] == null && values[at + 1] == null)
}

const DAY_MS = 86_400_000
const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dates = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })
const both = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** Hours where the chart is short, dates where it is long. */
const tickWords =
  (ticks: number[]) =>
  (at: number): string =>
    (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) <= DAY_MS ? hours.format(at) : dates.format(at)

/** What the pointer is over, in words beside it. */
function readout(format: (value: number) => string): uPlot.Plugin {
  const box = document.createElement('div')
  box.setAttribute('aria-hidden', 'true')
  Object.assign(box.style, {
    position: 'absolute', top: '4px', pointerEvents: 'none', padding: '4px 8px', fontSize: '11px', zIndex: '5',
    background: 'var(--mantine-color-body)', border: '1px solid var(--mantine-color-default-border)', borderRadius: '4px',
    whiteSpace: 'pre', display: 'none',
  }) // prettier-ignore
  return {
    hooks: {
      init: (chart) => void chart.over.append(box),
      setCursor: (chart) => {
        const { idx, left = 0 } = chart.cursor
        const at = idx == null ? undefined : chart.data[0][idx]
        box.style.display = at === undefined || left < 0 ? 'none' : 'block'
        if (idx == null || at === undefined) return
        const figures = chart.series.slice(1).map((each, number) => {
          const value = chart.data[number + 1]?.[idx]
          return `${typeof each.label === 'string' ? each.label : ''}: ${value == null ? '–' : format(value)}`
        })
        box.textContent = [both.format(at), ...figures].join('\n')
        box.style.transform =
          left > chart.over.clientWidth / 2
            ? `translateX(${left - 12}px) translateX(-100%)`
            : `translateX(${left + 12}px)`
      },
    },
  }
}
