import { describe, expect, it } from 'vitest'
import { amountProblem, shownAmount, typedAmount } from './amounts'

describe('an amount in the reader’s notation', () => {
  it.each([
    ['a comma before the decimals', ',', '2,50', '2.50', '2,50'],
    ['a point, as the keypad of a German keyboard may write', ',', '2.50', '2.50', '2,50'],
    ['a point where it is the reader’s own', '.', '2.50', '2.50', '2.50'],
    ['blanks around it', ',', ' 0,000000001 ', '0.000000001', '0,000000001'],
    ['nothing', ',', '', '', ''],
  ])('%s', (_, decimal, typed, value, shown) => {
    expect(typedAmount(typed, decimal)).toBe(value)
    expect(shownAmount(value, decimal)).toBe(shown)
    expect(amountProblem(value)).toBeUndefined()
  })

  it.each([
    ['.', '1,000.50'],
    [',', '1.000,50'],
    ['.', 'five'],
  ])('with %s, “%s” is not guessed to be a number', (decimal, typed) => {
    expect(amountProblem(typedAmount(typed, decimal))).toContain('Give a number')
  })
})
