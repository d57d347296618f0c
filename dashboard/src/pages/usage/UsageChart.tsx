/** One measure of a report over time: together, or its largest groups. */
import { useMemo } from 'react'
import { SeriesChart } from '../../shared/charts/SeriesChart'
import type { Measure } from './measures'
import type { Report } from './queries'

interface Key {
  project: string | null
  model: string | null
  token: string | null
}

/** A group in words. What belongs to no model was refused before one was chosen. */
export function groupName(group: Key, by: readonly string[], tokens?: ReadonlyMap<string, string>): string {
  const words = by.map((dimension) => {
    if (dimension === 'PROJECT') return group.project
    if (dimension === 'TOKEN') return (group.token && tokens?.get(group.token)) ?? group.token
    return group.model ?? 'no model'
  })
  return words.filter(Boolean).join(' · ')
}

interface Props {
  report: Report
  measure: Measure
  by: readonly string[]
  tokens?: ReadonlyMap<string, string>
  height?: number
}

export function UsageChart({ report, measure, by, tokens, height }: Props) {
  const times = useMemo(() => report.points.map(({ start }) => Date.parse(start)), [report])
  const series = useMemo(() => {
    if (!report.charted.length)
      return [{ label: measure.label, values: report.points.map((point) => measure.of(point.figures)) }]
    return report.charted.map((group) => ({
      label: groupName(group, by, tokens),
      values: group.points.map((point) => measure.of(point.figures)),
    }))
  }, [report, measure, by, tokens])
  const label = `${measure.label} over time${by.length ? ` by ${by.join(' and ').toLowerCase()}` : ''}: ${measure.exact(report.totals)} in all`
  return (
    <SeriesChart
      label={label}
      times={times}
      series={series}
      format={measure.format}
      named={report.charted.length > 0}
      {...(height && { height })}
    />
  )
}
