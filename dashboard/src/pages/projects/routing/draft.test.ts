import { describe, expect, it } from 'vitest'
import { NO_LIMITS, routingInput, type DraftRouting } from './draft'

const model = (id: string, guidance = '') => ({ id, guidance, limits: NO_LIMITS })
const policy = (kind: string, parameters = {}) => ({ key: kind, kind, enabled: true, parameters })
const before: DraftRouting = {
  models: [model('a', 'Cheap'), model('b')],
  policies: [policy('health', { window_minutes: 10 }), policy('cheapest')],
}

describe('what a change of routing says', () => {
  it('is only the list that changed', () => {
    expect(routingInput('p', before, { ...before, models: [model('b'), model('a', 'Cheap')] })).toEqual({
      project: 'p',
      models: [{ id: 'b' }, { id: 'a' }],
    })
  })
  it('leaves out what a model says as before, so that nobody’s later words are overwritten', () => {
    const edited = { ...before, models: [model('a', ''), model('b', 'Good')] }
    expect(routingInput('p', before, edited).models).toEqual([
      { id: 'a', guidance: null },
      { id: 'b', guidance: 'Good' },
    ])
  })
  it('gives a parameter that was emptied its default again', () => {
    const edited = { ...before, policies: [policy('health'), policy('cheapest')] }
    expect(routingInput('p', before, edited).policies).toEqual([
      { kind: 'health', enabled: true, parameters: { window_minutes: null } },
      { kind: 'cheapest', enabled: true, parameters: {} },
    ])
  })
})
