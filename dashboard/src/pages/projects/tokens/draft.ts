/** A token as its form edits it, and what of it a mutation takes. Pure. */
import { limitsInput, type Limits } from '../../../shared/forms/limits'
import { changedFields } from '../../../shared/forms/useDraft'
import type { Token } from './queries'

export interface TokenValues {
  name: string
  limits: Limits
  models: { id: string; limits: Limits }[]
  /** As `<input type="datetime-local">` has it, in the reader's own time; empty for never. */
  expiresAt: string
  /** As "key: value" each. */
  labels: string[]
}

export const NEW_TOKEN: TokenValues = {
  name: '',
  limits: { mode: 'REPLACE', rules: [] },
  models: [],
  expiresAt: '',
  labels: [],
}

export const tokenValues = (token: Token): TokenValues => ({
  name: token.name,
  limits: token.limits,
  models: token.models,
  expiresAt: token.expiresAt ? localTime(token.expiresAt) : '',
  labels: token.labels.map(({ key, value }) => `${key}: ${value}`),
})

interface TokenFields {
  name?: string
  limits?: Limits | null
  models?: { id: string; limits: Limits }[]
  expiresAt?: string | null
  labels?: { key: string; value: string }[]
}

/** What differs from `before`, as the mutations take it. */
export function tokenFields(values: TokenValues, before: TokenValues): TokenFields {
  const { name, limits, models, expiresAt, labels } = changedFields(values, before)
  return {
    ...(name !== undefined && { name: name.trim() }),
    ...(limits && { limits: limitsInput(limits) }),
    ...(models && { models: models.filter((model) => limitsInput(model.limits)) }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt ? new Date(expiresAt).toISOString() : null }),
    ...(labels && { labels: labels.map(label) }),
  }
}

function label(text: string): { key: string; value: string } {
  const colon = text.indexOf(':')
  return colon < 0
    ? { key: text.trim(), value: '' }
    : { key: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() }
}

function localTime(at: string): string {
  const date = new Date(at)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
