import { describe, expect, it } from 'vitest'
import { askedFor, filterOf } from './filters'

describe('filters in an address', () => {
  it.each([
    ['what can match is asked for', 'status=error&status=timeout&model=openai/gpt-4o', []],
    ['a status that there is not', 'status=nonsense', ['status “nonsense”']],
    ['what is no id', 'model=%00&token=A%20B', ['model “%00”', 'token “A%20B”']],
    ['what is no time', 'since=abc&until=2026-01-31T10:00', ['since “abc”']],
    ['what is no filter is nobody’s fault', 'request=abc&from=abc', []],
  ])('%s', (_, address, ignored) => {
    const asked = askedFor(new URLSearchParams(address))
    expect(asked.ignored).toEqual(ignored)
    expect([...asked.params].length).toBe(
      [...new URLSearchParams(address)].filter(([name]) => name !== 'request' && name !== 'from').length -
        ignored.length,
    )
  })

  it('become the filter of a log', () => {
    const asked = askedFor(new URLSearchParams('status=error&model=a&model=b&kind=embedding&until=2026-01-31T10:00Z'))
    expect(filterOf('demo', asked.params)).toEqual({
      project: ['demo'],
      model: ['a', 'b'],
      token: null,
      status: ['error'],
      callType: ['embedding'],
      since: null,
      until: '2026-01-31T10:00:00.000Z',
    })
  })
})
