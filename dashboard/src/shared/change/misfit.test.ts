import { expect, it } from 'vitest'
import { misfit } from './misfit'

const at = (message: string): string | null | undefined => misfit(message)?.field

it('takes a value that its type refuses for a problem of its field', () => {
  expect(at("Variable '$input' has invalid value at .limits.rules[0].value: …")).toBe('limits.rules[0].value')
  expect(at("Variable '$input' has invalid value at .fields.contextWindow: Int cannot …")).toBe('contextWindow')
})

it('takes no other message for one', () => {
  expect(at('A reason is missing.')).toBeUndefined()
})
