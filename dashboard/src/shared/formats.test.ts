import { describe, expect, it } from 'vitest'
import { money } from './formats'

describe('money', () => {
  it.each([
    ['0', '0.00'],
    ['0.000000008', '0.000000008'],
    ['0.00000142', '0.0000014'],
    ['0.0000142', '0.000014'],
    ['0.0142', '0.0142'],
    ['-0.000000008', '0.000000008'],
    ['12.3456', '12.35'],
  ])('%s is shown as %s: no cost is shown as none', (value, shown) => {
    // Of any locale: only what a comma or point separates differs.
    expect(money(value).replace(',', '.')).toContain(shown)
  })
})
