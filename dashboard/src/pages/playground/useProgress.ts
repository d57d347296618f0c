/** What happens inside a project's requests while they run, by trace id. Sent only while somebody listens, and kept nowhere. */
import { useEffect, useState } from 'react'
import { graphql, type ResultOf } from '../../api/graphql'
import { follow } from '../../api/subscriptions'

const PROGRESS = graphql(`
  subscription PlaygroundProgress($project: String!) {
    requestProgress(project: $project) {
      traceId
      kind
      elapsedMs
      cause
      model
      status
      error
    }
  }
`)

export type Step = ResultOf<typeof PROGRESS>['requestProgress'][number]

/** Steps are of the last few requests alone: what is older is in its trace. */
const KEPT = 200

export function useProgress(project: string | null): readonly Step[] {
  const [steps, setSteps] = useState<readonly Step[]>([])
  useEffect(() => {
    if (!project) return
    return follow({
      document: PROGRESS,
      variables: () => ({ project }),
      onData: ({ requestProgress }) => setSteps((before) => [...before, ...requestProgress].slice(-KEPT)),
    })
  }, [project])
  return steps
}
