/** Queries of the configuration: asked again whenever it changed, by this page or by anybody. */
import { useEffect } from 'react'
import { useQuery, type AnyVariables, type UseQueryArgs, type UseQueryResponse } from 'urql'
import { graphql } from '../api/graphql'
import { follow } from '../api/subscriptions'

const REVISIONS = graphql(`
  subscription Revisions($after: String) {
    revisions(after: $after) {
      cursor
    }
  }
`)

const listeners = new Set<() => void>()
let stop: (() => void) | undefined

/** Say that the configuration changed. */
export function configurationChanged(): void {
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  stop ??= followRevisions()
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    stop?.()
    stop = undefined
  }
}

function followRevisions(): () => void {
  let after: string | null = null
  return follow({
    document: REVISIONS,
    variables: () => ({ after }),
    onData: ({ revisions }) => {
      after = revisions.cursor
      configurationChanged()
    },
  })
}

/** `useQuery`, and once more at each revision. */
export function useConfiguration<Data, Variables extends AnyVariables>(
  args: UseQueryArgs<Variables, Data>,
): UseQueryResponse<Data, Variables> {
  const response = useQuery(args)
  const ask = response[1]
  const paused = args.pause === true
  useEffect(() => {
    if (!paused) return listen(() => ask({ requestPolicy: 'network-only' }))
  }, [ask, paused])
  return response
}
