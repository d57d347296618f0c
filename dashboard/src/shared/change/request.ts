/** A change that somebody wants, what may come of it, and one try of it. No React. */
import type { Client, CombinedError } from 'urql'
import { inWords } from '../../api/client'
import type { TadaDocumentNode } from '../../api/graphql'
import type { Collision, Committed, Problem } from './fragments'
import { misfit } from './misfit'

/** What the dialog adds to a mutation's own input. */
type Added = 'expectedRevision' | 'reason' | 'idempotencyKey' | 'dryRun'

export interface ChangeRequest<Data, Input> {
  /** What is about to happen, as the dialog's title: "Rename the project". */
  title: string
  mutation: TadaDocumentNode<Data, { input: Input }>
  /** The mutation's own fields: only those that are to change. */
  input: Omit<Input, Added>
  /** The revision that the person saw when they made the edit. */
  readAt: string
  /** The input's field that names what is made: of two things with one name nobody chooses a version. */
  creates?: string
  /** The word on the button; "Commit" when left out. */
  action?: string
  /** Whether something goes away for good. */
  danger?: boolean
  /** What the person should know before they agree. */
  warning?: string
}

export type Outcome<Data> =
  | { kind: 'done'; data: Data; change: Committed }
  /** Put them next to their fields: `problemAt(problems, 'timeouts.timeout_ms')`. */
  | { kind: 'invalid'; message: string; problems: Problem[] }
  | { kind: 'refused'; message: string }
  /** The person took what somebody else had written: load it and drop the edit. */
  | { kind: 'theirs' }
  | { kind: 'cancelled' }

export type Tried<Data> = Extract<Outcome<Data>, { kind: 'done' | 'invalid' | 'refused' }> | Clashed | Unreached
interface Clashed {
  kind: 'conflict'
  conflict: Collision
}
/** Whether it was carried out is not known: trying again with the same key finds out. */
interface Unreached {
  kind: 'unreached'
  message: string
}

export interface Try {
  expectedRevision: string
  reason: string
  dryRun: boolean
  idempotencyKey: string | null
}

/** Send the mutation once. */
export async function attempt<Data, Input>(
  client: Client,
  request: ChangeRequest<Data, Input>,
  how: Try,
): Promise<Tried<Data>> {
  const input = bare({ ...request.input, ...how }) as Input
  const { data, error } = await client.mutation(request.mutation, { input }).toPromise()
  if (!data) return failed(error)
  const payload = Object.values(data)[0] as Record<string, unknown>
  switch (payload['__typename']) {
    case 'Conflict':
      if (request.creates) return taken(request.creates)
      return { kind: 'conflict', conflict: payload as unknown as Collision }
    case 'ValidationFailed':
      return { kind: 'invalid', message: String(payload['message']), problems: payload['problems'] as Problem[] }
    case 'NotAllowed':
    case 'NotFound':
    case 'ReviewRequired':
      return { kind: 'refused', message: String(payload['message']) }
    default:
      return { kind: 'done', data, change: payload['change'] as Committed }
  }
}

function taken(field: string): Extract<Tried<never>, { kind: 'invalid' }> {
  const reason = 'This one is taken: choose another.'
  return { kind: 'invalid', message: `${field}: ${reason}`, problems: [{ file: null, line: null, field, reason }] }
}

/** Without the names of types: answers carry them, and what is edited of an answer must not send them back. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([name]) => name !== '__typename')
  return Object.fromEntries(kept.map(([name, inner]) => [name, bare(inner)]))
}

function failed(
  error: CombinedError | undefined,
): Extract<Tried<never>, { kind: 'invalid' | 'refused' | 'unreached' }> {
  if (!error) return { kind: 'unreached', message: 'Waybill did not answer.' }
  const problems = error.graphQLErrors.flatMap(({ message }) => misfit(message) ?? [])
  if (problems.length) return { kind: 'invalid', message: inWords(error), problems }
  return { kind: error.networkError ? 'unreached' : 'refused', message: inWords(error) }
}

/** A new key; works without TLS too, where `crypto.randomUUID` does not exist. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** What is wrong with a field, in words: the problems whose field is this one or something in it. */
export function problemAt(problems: readonly Problem[], ...fields: string[]): string | undefined {
  const found = problems.filter(({ field }) => field && fields.some((name) => isWithin(field, name)))
  return found.length ? found.map(({ reason }) => reason).join(' ') : undefined
}

/** The problems that belong to none of these fields: to be shown above the form. */
export function problemsElsewhere(problems: readonly Problem[], ...fields: string[]): Problem[] {
  return problems.filter(({ field }) => !field || !fields.some((name) => isWithin(field, name)))
}

// Files write snake_case and GraphQL camelCase: both name the same field.
const plain = (field: string): string => field.replaceAll('_', '').toLowerCase()

function isWithin(field: string, name: string): boolean {
  const [inner, outer] = [plain(field), plain(name)]
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`)
}
