import { describe, expect, it } from 'vitest'
import { missing } from './missing'
import type { Parameter } from './ParameterFields'

const parameter = (type: Parameter['type'], items?: Parameter['type']): Parameter => ({
  name: 'intents', title: 'Intents', type, help: '', unit: '', required: true, default: null,
  minimum: null, maximum: null, maxLength: null, choices: [], items: items ? parameter(items) : null,
}) // prettier-ignore

describe('a required parameter that is left empty', () => {
  it.each([
    ['a model', parameter('MODEL'), undefined, 'Choose a model.'],
    ['models', parameter('LIST', 'MODEL'), [], 'Choose at least one model.'],
    ['texts', parameter('LIST', 'STRING'), undefined, 'Give at least one.'],
    ['things by name', parameter('MAP'), {}, 'Add at least one of the intents: give it a name below.'],
    ['a number that is 0 is given', parameter('NUMBER'), 0, undefined],
    ['a switch that is off is given', parameter('BOOLEAN'), false, undefined],
  ])('%s', (_, of, given, said) => {
    expect(missing(of, given)).toBe(said)
  })
})
