/** A model as it is edited, and what a mutation takes of it: only what was changed. Pure. */
import type { VariablesOf } from '../../api/graphql'
import { limitsInput, type Limits } from '../../shared/forms/limits'
import { changedFields, same } from '../../shared/forms/useDraft'
import type { Model, UPDATE } from './queries'

export interface Draft {
  provider: string
  upstreamName: string
  prices: Prices | null
  unpriced: Model['unpriced']
  contextWindow: number | null
  maxOutputTokens: number | null
  capabilities: Model['capabilities']
  limits: Limits
  enabled: boolean
  simulation: string
}

type Read = NonNullable<Model['prices']>
/** Amounts as they are typed; empty is not given. */
export interface Prices extends Record<Amount, string> {
  tiers: (Record<Amount, string> & { aboveInputTokens: number })[]
}

export const AMOUNTS = [
  'input',
  'output',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'reasoning',
  'audioInput',
  'audioOutput',
] as const
export type Amount = (typeof AMOUNTS)[number]
export const AMOUNT_WORDS: Record<Amount, [label: string, field: string]> = {
  input: ['Input', 'input'],
  output: ['Output', 'output'],
  cachedInput: ['Cached input', 'cached_input'],
  cacheWrite5m: ['Cache write, 5 min', 'cache_write_5m'],
  cacheWrite1h: ['Cache write, 1 h', 'cache_write_1h'],
  reasoning: ['Reasoning', 'reasoning'],
  audioInput: ['Audio input', 'audio_input'],
  audioOutput: ['Audio output', 'audio_output'],
}

const typed = (read: Record<Amount, string | null>): Record<Amount, string> =>
  Object.fromEntries(AMOUNTS.map((name) => [name, read[name] ?? ''])) as Record<Amount, string>
const NO_AMOUNTS = Object.fromEntries(AMOUNTS.map((name) => [name, ''])) as Record<Amount, string>
export const NO_PRICES: Prices = { ...NO_AMOUNTS, tiers: [] }
export const newTier = (): Prices['tiers'][number] => ({ ...NO_AMOUNTS, aboveInputTokens: 200_000 })

const pricesOf = (read: Read): Prices => ({
  ...typed(read),
  tiers: read.tiers.map((tier) => ({ ...typed(tier), aboveInputTokens: tier.aboveInputTokens })),
})

export const draftOf = (model: Model): Draft => ({
  provider: model.providerId,
  upstreamName: model.upstreamName,
  prices: model.prices && pricesOf(model.prices),
  unpriced: model.unpriced,
  contextWindow: model.contextWindow,
  maxOutputTokens: model.maxOutputTokens,
  capabilities: model.capabilities,
  limits: model.limits,
  enabled: model.enabled,
  simulation: model.simulation === null ? '' : JSON.stringify(model.simulation, null, 2),
})

type Input = Omit<VariablesOf<typeof UPDATE>['input'], 'expectedRevision' | 'reason' | 'idempotencyKey' | 'dryRun'>
type Fields = NonNullable<Input['fields']>

const given = (amounts: Record<Amount, string>): Record<Amount, string | null> =>
  Object.fromEntries(AMOUNTS.map((name) => [name, amounts[name].trim() || null])) as Record<Amount, string | null>

function pricesInput(prices: Prices): Fields['prices'] {
  const { input, output, ...others } = given(prices)
  const tiers = prices.tiers.map((tier) => ({ ...given(tier), aboveInputTokens: tier.aboveInputTokens }))
  return { input: input ?? '0', output: output ?? '0', ...others, tiers }
}

export function changed(modelId: string, draft: Draft, from: Draft): Input {
  const differs = (name: keyof Draft): boolean => !same(draft[name], from[name])
  const fields: Fields = {
    ...(differs('prices') && { prices: draft.prices && pricesInput(draft.prices) }),
    ...(differs('unpriced') && { unpriced: draft.unpriced }),
    ...(differs('contextWindow') && { contextWindow: draft.contextWindow }),
    ...(differs('maxOutputTokens') && { maxOutputTokens: draft.maxOutputTokens }),
    ...(differs('capabilities') && { capabilities: changedFields(draft.capabilities, from.capabilities) }),
    ...(differs('limits') && { limits: limitsInput(draft.limits) }),
    ...(differs('enabled') && { enabled: draft.enabled }),
    ...(differs('simulation') && {
      simulation: draft.simulation.trim() ? (JSON.parse(draft.simulation) as Fields['simulation']) : null,
    }),
  }
  return {
    modelId,
    ...(differs('provider') && { provider: draft.provider }),
    ...(differs('upstreamName') && { upstreamName: draft.upstreamName }),
    ...(Object.keys(fields).length > 0 && { fields }),
  }
}

export function isJson(text: string): boolean {
  if (!text.trim()) return true
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
