/** Lists of the configuration beyond their first page: further pages by cursor, all of them asked for again at each revision. */
import { useEffect, useState } from 'react'
import { useClient, type UseQueryArgs, type UseQueryResponse } from 'urql'
import { inWords } from '../api/client'
import { useConfiguration } from './configuration'

interface Connection<Node> {
  totalCount?: number
  nodes: readonly Node[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

export interface Pages<Data, Node, Variables extends Record<string, unknown>> {
  /** The first page with all that came with it; the rows are in `nodes`. */
  answer: UseQueryResponse<Data, Variables>
  /** The rows of all pages that were asked for. */
  nodes: readonly Node[]
  /** How many there are; undefined where nobody counts them. */
  total: number | undefined
  /** Ask for one page more; undefined when there is none. */
  more: (() => void) | undefined
  /** Whether a further page is on its way. */
  waiting: boolean
  /** Why the further pages did not come, in words. */
  problem: string | undefined
}

interface Read<Data, Node> {
  /** The list that was asked for, and its first answer. */
  of: string
  first: Data
  nodes: readonly Node[]
  hasNext: boolean
}

/**
 * `list` finds the connection in an answer; `variables` are without the cursor, which is called `after`. With `all`, every page
 * is fetched, as choices of a form need it.
 */
export function usePages<Data, Node, Variables extends Record<string, unknown>>(
  args: UseQueryArgs<Variables, Data> & { variables: Variables },
  list: (data: Data) => Connection<Node> | null | undefined,
  all = false,
): Pages<Data, Node, Variables> {
  const client = useClient()
  const answer = useConfiguration(args)
  const of = JSON.stringify(args.variables)
  const [asked, setAsked] = useState({ of, pages: 1 })
  const [read, setRead] = useState<Read<Data, Node>>()
  const [problem, setProblem] = useState<string>()
  const pages = all ? Number.POSITIVE_INFINITY : asked.of === of ? asked.pages : 1
  const { data } = answer[0]
  const first = data && list(data)
  const beyond = pages > 1 && first?.pageInfo.hasNextPage === true

  useEffect(() => {
    if (!data || !beyond) return
    let wanted = true
    void follow()
    return () => {
      wanted = false
    }

    async function follow(): Promise<void> {
      let page = list(data as Data)
      const nodes = [...(page?.nodes ?? [])]
      for (let number = 1; number < pages && page?.pageInfo.hasNextPage; number += 1) {
        const variables = { ...args.variables, after: page.pageInfo.endCursor }
        const next = await client.query(args.query, variables, { requestPolicy: 'network-only' }).toPromise()
        if (!wanted) return
        setProblem(next.error && inWords(next.error))
        if (!next.data) return
        page = list(next.data)
        nodes.push(...(page?.nodes ?? []))
      }
      setRead({ of, first: data as Data, nodes, hasNext: page?.pageInfo.hasNextPage ?? false })
    }
    // What is asked for is told by `of`; functions and objects are new in each rendering.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, data, beyond, of, pages])

  const held = beyond && read?.of === of ? read : undefined
  const hasNext = held ? held.hasNext : first?.pageInfo.hasNextPage === true
  return {
    answer: held ? [{ ...answer[0], data: held.first }, answer[1]] : answer,
    nodes: held?.nodes ?? first?.nodes ?? [],
    total: first?.totalCount,
    more: hasNext ? () => setAsked({ of, pages: pages + 1 }) : undefined,
    waiting: beyond && read?.first !== data,
    problem,
  }
}
