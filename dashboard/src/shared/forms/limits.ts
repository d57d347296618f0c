/** Limits as a form holds them, and in words. Pure. */
import type { ApiType } from '../../api/graphql'
import { count, money } from '../formats'

export interface Rule {
  metric: ApiType<'LimitMetric'>
  /** As it was typed: exact. */
  value: string
  window: ApiType<'CalendarWindow'> | null
  rolling: { length: number; unit: ApiType<'RollingUnit'> } | null
}

export interface Limits {
  mode: ApiType<'LimitMode'>
  rules: Rule[]
}

export const METRICS: Record<Rule['metric'], string> = {
  COST: 'Cost (USD)',
  CALLS: 'Calls',
  INPUT_TOKENS: 'Input tokens',
  OUTPUT_TOKENS: 'Output tokens',
  TOTAL_TOKENS: 'All tokens',
}

export const WINDOWS: Record<ApiType<'CalendarWindow'>, string> = {
  HOURLY: 'an hour',
  DAILY: 'a day',
  WEEKLY: 'a week',
  MONTHLY: 'a month',
  YEARLY: 'a year',
}

export const NEW_RULE: Rule = { metric: 'COST', value: '', window: 'MONTHLY', rolling: null }

/** "$5.00 a day", "100 calls in 2 hours". */
export function ruleWords({ metric, value, window, rolling }: Rule): string {
  const figure = metric === 'COST' ? money(value) : `${count(Number(value))} ${METRICS[metric].toLowerCase()}`
  if (rolling) return `${figure} in ${rolling.length} ${rolling.unit.toLowerCase()}`
  return `${figure} ${window ? WINDOWS[window] : ''}`
}

/** The rules in words; "none" where there are none. */
export const limitsWords = ({ mode, rules }: Limits): string =>
  mode === 'DISABLE' ? 'disabled' : rules.length ? rules.map(ruleWords).join(', ') : 'none'

/** What a mutation takes: null takes an entry away. */
export const limitsInput = ({ mode, rules }: Limits): Limits | null =>
  mode !== 'DISABLE' && rules.length === 0 ? null : { mode, rules }
