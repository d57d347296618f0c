/** The figures that are charted, with their words. */
import type { ApiType } from '../../api/graphql'
import { count, duration, money, shortCount } from '../../shared/formats'
import type { Figures } from './queries'

export interface Measure {
  key: string
  label: string
  of: (figures: Figures) => number | null
  /** In words, for an axis. */
  format: (value: number) => string
  /** In words, exactly: for a sum. */
  exact: (figures: Figures) => string
  /** Which groups are the largest. */
  order: ApiType<'UsageMeasure'>
}

const dollars = (value: number): string => money(String(value))

export const COST: Measure = {
  key: 'cost',
  label: 'Cost',
  of: (figures) => Number(figures.cost),
  format: dollars,
  exact: (figures) => money(figures.cost),
  order: 'COST',
}
export const CALLS: Measure = {
  key: 'calls',
  label: 'Calls',
  of: (figures) => figures.calls,
  format: shortCount,
  exact: (figures) => count(figures.calls),
  order: 'CALLS',
}
export const ERRORS: Measure = {
  key: 'errors',
  label: 'Errors',
  of: (figures) => figures.errors,
  format: shortCount,
  exact: (figures) => count(figures.errors),
  order: 'ERRORS',
}
export const LATENCY: Measure = {
  key: 'latency',
  label: 'Latency, mean',
  of: (figures) => figures.latency?.averageMs ?? null,
  format: duration,
  exact: (figures) => duration(figures.latency?.averageMs),
  order: 'REQUESTS',
}
export const TOKENS: Measure = {
  key: 'tokens',
  label: 'Tokens',
  of: (figures) => figures.totalTokens,
  format: shortCount,
  exact: (figures) => count(figures.totalTokens),
  order: 'INPUT_TOKENS',
}

export const MEASURES = [COST, CALLS, ERRORS, LATENCY, TOKENS] as const
export const measureOf = (key: string | null): Measure => MEASURES.find((each) => each.key === key) ?? COST
