/** The ways in which a change of people, sessions and keys is expected to fail, and how they are said. */
import type { CombinedError } from 'urql'
import { inWords } from '../../api/client'

export interface Refusal {
  message: string
  /** What is wrong, by the input's field. */
  problems: { field: string | null; reason: string }[]
}

interface Payload {
  __typename: string
  message?: string
  problems?: Refusal['problems']
}

/** Why nothing was done; undefined where it was. */
export function refusal(payload: Payload | undefined, error: CombinedError | undefined): Refusal | undefined {
  if (error) return { message: inWords(error), problems: [] }
  if (payload?.message !== undefined) return { message: payload.message, problems: payload.problems ?? [] }
  return payload ? undefined : { message: 'Waybill did not answer.', problems: [] }
}

/** The words for one field of a form. */
export function fieldError(why: Refusal | undefined, field: string): string | undefined {
  return why?.problems.find((problem) => problem.field === field)?.reason
}
