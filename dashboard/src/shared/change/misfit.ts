/** A value that GraphQL's own types refuse is refused before the mutation runs: its message names the place. Pure. */
import type { Problem } from './fragments'

// The place is within the input; what a mutation calls `fields` is its form's, and the form knows no such name.
const PLACE = /^Variable '\$input' has invalid value at \.(?:fields\.)?([^:]+): /
const WHOLE_NUMBER = 'Int cannot represent'

/** The problem that such a message tells, for the field it is about; undefined for any other message. */
export function misfit(message: string): Problem | undefined {
  const field = PLACE.exec(message)?.[1]
  if (!field) return undefined
  const reason = message.includes(WHOLE_NUMBER)
    ? 'Give a whole number of at most 2,147,483,647.'
    : 'This is not written as Waybill reads it.'
  return { file: null, line: null, field, reason }
}
