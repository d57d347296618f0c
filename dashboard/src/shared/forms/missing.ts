/** What a form says where a required parameter is left empty: the API's own words are about the file. Pure. */
import type { Json } from '../../api/graphql'
import type { Parameter } from './ParameterFields'

const WORDS: Partial<Record<Parameter['type'], string>> = {
  MODEL: 'Choose a model.',
  ENUM: 'Choose one.',
  INTEGER: 'Give a number.',
  NUMBER: 'Give a number.',
  STRING: 'Fill this in.',
}

const isEmpty = (value: Json | undefined): boolean =>
  value === undefined || value === null || value === '' || (typeof value === 'object' && !Object.keys(value).length)

/** Undefined where something is given. */
export function missing({ type, title, items }: Parameter, given: Json | undefined): string | undefined {
  if (!isEmpty(given)) return undefined
  if (type === 'LIST') return items?.type === 'MODEL' ? 'Choose at least one model.' : 'Give at least one.'
  if (type === 'MAP') return `Add at least one of the ${title.toLowerCase()}: give it a name below.`
  return WORDS[type]
}
