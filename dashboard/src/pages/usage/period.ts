/** The periods that one can choose, and what they mean to the API. */
import type { ApiType } from '../../api/graphql'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface Period {
  value: string
  label: string
  lengthMs: number
  interval: ApiType<'UsageInterval'>
}

export const PERIODS: readonly [Period, ...Period[]] = [
  { value: '24h', label: '24 hours', lengthMs: DAY_MS, interval: 'HOUR' },
  { value: '7d', label: '7 days', lengthMs: 7 * DAY_MS, interval: 'HOUR' },
  { value: '30d', label: '30 days', lengthMs: 30 * DAY_MS, interval: 'DAY' },
  { value: '90d', label: '90 days', lengthMs: 90 * DAY_MS, interval: 'DAY' },
  { value: '12m', label: '12 months', lengthMs: 365 * DAY_MS, interval: 'DAY' },
]

export const periodOf = (value: string | null): Period => PERIODS.find((each) => each.value === value) ?? PERIODS[0]

/** From when, so that the present hour or day is the last one; whole hours, so that asking again asks the same. */
export function beginning(period: Period, now: number): string {
  const span = period.interval === 'HOUR' ? HOUR_MS : DAY_MS
  return new Date(now - (now % span) + span - period.lengthMs).toISOString()
}
