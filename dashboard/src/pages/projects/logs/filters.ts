/** What of a log an address asks for. A link may have been cut or mistyped: what no request can match is left out and named. Pure. */
import type { ApiType } from '../../../api/graphql'
import type { LogFilter } from '../../../shared/live/queries'

export const STATUSES = ['success', 'error', 'timeout', 'budget_exceeded', 'rejected', 'cancelled']
export const KINDS = ['completion', 'embedding', 'passthrough', 'routing']

const ID = /^[a-z0-9][a-z0-9._/-]{0,99}$/
const FITS: Record<string, (value: string) => boolean> = {
  status: (value) => STATUSES.includes(value),
  kind: (value) => KINDS.includes(value),
  model: (value) => ID.test(value),
  token: (value) => ID.test(value),
  since: (value) => !Number.isNaN(Date.parse(value)),
  until: (value) => !Number.isNaN(Date.parse(value)),
}

export interface Asked {
  /** The part of the address that filters. */
  params: URLSearchParams
  /** What was left out, as it stands in the address: `status “nonsense”`. */
  ignored: string[]
}

export function askedFor(address: URLSearchParams): Asked {
  const params = new URLSearchParams()
  const ignored: string[] = []
  for (const [name, value] of address) {
    const fits = FITS[name]
    if (fits?.(value)) params.append(name, value)
    else if (fits) ignored.push(`${name} “${encodeURIComponent(value)}”`)
  }
  return { params, ignored }
}

/** Its times are of the reader's own zone. */
export function filterOf(slug: string, params: URLSearchParams): LogFilter {
  const all = (name: string): string[] | null => (params.has(name) ? params.getAll(name) : null)
  const at = (name: string): string | null => {
    const time = params.get(name)
    return time ? new Date(time).toISOString() : null
  }
  return {
    project: [slug],
    model: all('model'),
    token: all('token'),
    status: all('status') as ApiType<'RequestStatus'>[] | null,
    callType: all('kind') as ApiType<'CallType'>[] | null,
    since: at('since'),
    until: at('until'),
  }
}
