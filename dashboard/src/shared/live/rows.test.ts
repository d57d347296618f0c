import { describe, expect, it } from 'vitest'
import { withNewer, withOlder } from './rows'

const rows = (...cursors: number[]): { cursor: string }[] => cursors.map((cursor) => ({ cursor: String(cursor) }))

describe('rows that come', () => {
  it('go before those that are there, newest first', () => {
    expect(withNewer(rows(2, 1), rows(3, 4))).toEqual(rows(4, 3, 2, 1))
  })
  it('are not doubled after a reconnect', () => {
    expect(withNewer(rows(3, 2, 1), rows(2, 3, 4))).toEqual(rows(4, 3, 2, 1))
    expect(withNewer(rows(1), rows(2, 2))).toEqual(rows(2, 1))
  })
  it('push out the oldest where there are too many', () => {
    expect(withNewer(rows(2, 1), rows(3), 2)).toEqual(rows(3, 2))
  })
})

describe('an older page', () => {
  it('goes after those that are there', () => {
    expect(withOlder(rows(4, 3), rows(3, 2))).toEqual(rows(4, 3, 2))
  })
})
