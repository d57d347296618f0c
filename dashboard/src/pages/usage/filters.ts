/** What the Usage page is asked for, kept in its address: a link shows the same. */
import { useMemo } from 'react'
import { useSearchParams } from 'react-router'
import type { ApiType } from '../../api/graphql'
import { measureOf, type Measure } from './measures'
import { periodOf, type Period } from './period'

export type Dimension = ApiType<'UsageDimension'>
const DIMENSIONS: readonly Dimension[] = ['PROJECT', 'MODEL', 'TOKEN']

export interface Wanted {
  period: Period
  measure: Measure
  by: Dimension[]
  project: string[]
  model: string[]
  token: string[]
}

export function useWanted(): [Wanted, (name: string, values: string[]) => void] {
  const [params, setParams] = useSearchParams()
  const wanted = useMemo(
    () => ({
      period: periodOf(params.get('period')),
      measure: measureOf(params.get('measure')),
      by: params.has('by')
        ? DIMENSIONS.filter((each) => params.getAll('by').includes(each))
        : (['MODEL'] as Dimension[]),
      project: params.getAll('project'),
      model: params.getAll('model'),
      token: params.getAll('token'),
    }),
    [params],
  )
  function want(name: string, values: string[]): void {
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        next.delete(name)
        // Ids of tokens are a project's own.
        if (name === 'project') next.delete('token')
        for (const value of values) next.append(name, value)
        // Divided by nothing has to be said: it is not what comes without saying.
        if (name === 'by' && values.length === 0) next.append('by', 'NOTHING')
        return next
      },
      { replace: true },
    )
  }
  return [wanted, want]
}
