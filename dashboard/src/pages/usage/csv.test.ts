import { describe, expect, it } from 'vitest'
import { csv } from './csv'

describe('comma-separated values', () => {
  it.each([
    ['plain words stay as they are', ['demo'], 'demo'],
    ['a comma is quoted', ['a,b'], '"a,b"'],
    ['a quote is doubled', ['say "hi"'], '"say ""hi"""'],
    ['nothing known is an empty cell, not 0', [null], ''],
    ['a sum of money keeps its exact digits', ['0.000000001'], '0.000000001'],
    ['a negative number is a number', ['-1.5'], '-1.5'],
    ['what begins like a formula is no formula', ['=1+1'], "'=1+1"],
  ])('%s', (_, row, expected) => {
    expect(csv([row])).toBe(`${expected}\r\n`)
  })
})
