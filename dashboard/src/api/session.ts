/**
 * Who the browser is signed in as: told by the answers and by the other tabs, which share its cookie. A page belongs to one
 * person. While nobody is signed in, or somebody else, its requests wait: nothing is done in another's name, and nothing is lost.
 */
import { useSyncExternalStore } from 'react'

export interface Person {
  id: string
  email: string
}

export interface Session {
  /** `ended`: nobody is signed in. `other`: another tab signed somebody else in. */
  state: 'open' | 'ended' | 'other'
  /** Whose page this is; null before anybody knows. */
  owner: Person | null
  /** Who is signed in instead of the owner. */
  other: Person | null
  /** Counts the owners: what was kept for the former one goes with them. */
  page: number
}

/** To the other tabs: who has signed in, or null when somebody signed out. */
const tabs = new BroadcastChannel('waybill-session')
const listeners = new Set<() => void>()
let session: Session = { state: 'open', owner: null, other: null, page: 0 }
let openings = 0

tabs.onmessage = ({ data }: MessageEvent<Person | null>) => (data ? isSignedIn(data) : sessionEnded())

export const useSession = (): Session => useSyncExternalStore(listen, () => session)

/** An answer said that nobody is signed in. */
export function sessionEnded(): void {
  if (session.state === 'open') become({ state: 'ended' })
}

/** The viewer that the API answers to this page. */
export function belongsTo(person: Person): void {
  if (session.owner?.id !== person.id) isSignedIn(person, person)
}

/** Somebody signed in here. A page of somebody else's goes. */
export function signedIn(person: Person): void {
  tabs.postMessage(person)
  if (session.owner && session.owner.id !== person.id) anew('open')
  else isSignedIn(person)
}

/** The person signed out here: nothing of theirs stays on the screen, and the other tabs ask who is there. */
export function signedOut(): void {
  tabs.postMessage(null)
  anew('ended')
}

/** Give the page to whoever is signed in now. */
export const handOver = (): void => anew('open')

/** `fetch` in the owner's name: waits while it would be in another's or nobody's, and is sent again once they are back. */
export async function fetchAsOwner(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  for (;;) {
    await ownerIsBack()
    const sentAt = openings
    const headers = new Headers(init?.headers)
    // Another tab may have changed the cookie a moment ago: the API looks whose it is.
    if (session.owner) headers.set('x-waybill-viewer', session.owner.id)
    const answer = await fetch(input, { ...init, headers })
    // A 401 with a trace is the proxy's, about a project's token.
    if (answer.status !== 401 || answer.headers.has('x-waybill-trace-id')) return answer
    if (sentAt === openings) sessionEnded()
  }
}

/** Resolves while the owner is signed in, at once or later; never, where the page was given to somebody else meanwhile. */
function ownerIsBack(): Promise<void> {
  if (session.state === 'open') return Promise.resolve()
  const { page } = session
  return new Promise((resolve) => {
    const stop = listen(() => {
      if (session.page === page && session.state !== 'open') return
      stop()
      if (session.page === page) resolve()
    })
  })
}

function isSignedIn(person: Person, owner = session.owner): void {
  if (session.owner && session.owner.id !== person.id) become({ state: 'other', other: person })
  else become({ state: 'open', other: null, owner })
}

const anew = (state: 'open' | 'ended'): void => become({ state, owner: null, other: null, page: session.page + 1 })

function become(changed: Partial<Session>): void {
  session = { ...session, ...changed }
  if (session.state === 'open') openings += 1
  for (const listener of [...listeners]) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
