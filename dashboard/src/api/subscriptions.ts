/**
 * Subscriptions over graphql-transport-ws. A feed goes on where it stopped: after a lost connection it is subscribed to
 * again with the cursor of its last batch, so nothing is missing and nothing is doubled.
 */
import { createClient, type Client } from 'graphql-ws'
import { stringifyDocument } from 'urql'
import { FROM_HERE, isSignedOut, URL_OF_API } from './client'
import type { TadaDocumentNode } from './graphql'
import { fetchAsOwner } from './session'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
const PINGED_EVERY_MS = 15_000
const ANSWERS_WITHIN_MS = 10_000
/** The API closes with it when there is no session any more. */
const UNAUTHORIZED = 4401

let shared: Client | undefined
let open = false
let silence: ReturnType<typeof setTimeout> | undefined

function socket(): Client {
  shared ??= createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${URL_OF_API}`,
    lazy: true,
    lazyCloseTimeout: 2_000,
    keepAlive: PINGED_EVERY_MS,
    // Each feed comes back by itself, with its own cursor: a blind retry would ask from where it began.
    shouldRetry: () => false,
    retryAttempts: 0,
    on: {
      connected: () => (open = true),
      closed: () => {
        open = false
        clearTimeout(silence)
      },
      // A connection that a sleeping computer or a router forgot is never closed: it only falls silent.
      ping: (received) => {
        if (!received) silence = setTimeout(() => shared?.terminate(), ANSWERS_WITHIN_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(silence)
      },
    },
  })
  return shared
}

export type Connection = 'connecting' | 'live' | 'away'

export interface Feed<Data, Variables> {
  document: TadaDocumentNode<Data, Variables>
  /** The variables to subscribe with, asked for before each connection: the place to give the last cursor. */
  variables: () => Variables
  onData: (data: Data) => void
  /** `connecting` at first; `away` once a connection was lost or refused, until there is one again. */
  onConnection?: (state: Connection, why?: string) => void
}

/** Follow `feed` until the returned function is called. */
export function follow<Data, Variables>(feed: Feed<Data, Variables>): () => void {
  let ended = false
  let waitMs = FIRST_WAIT_MS
  let stop: () => void = () => undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = feed.onConnection ?? (() => undefined)

  function connect(): void {
    stop = socket().subscribe<Data>(
      { query: stringifyDocument(feed.document), variables: feed.variables() as Record<string, unknown> },
      {
        next: (result) => {
          waitMs = FIRST_WAIT_MS
          if (result.errors?.[0]) return say('away', result.errors[0].message)
          if (result.data) feed.onData(result.data)
        },
        error: (error) => (isOver(error) ? void onceSignedIn() : again(reasonOf(error))),
        complete: () => again(),
      },
    )
    // The protocol has no word for "subscribed": a connection that is open is one.
    if (open) return say('live')
    const unsubscribe = stop
    const unlisten = socket().on('connected', () => (unlisten(), say('live')))
    stop = () => (unlisten(), unsubscribe())
  }

  /** Nobody can follow without a session: its end is told at once, and the feed goes on when the person is back. */
  async function onceSignedIn(): Promise<void> {
    say('away')
    await askWhoIsThere()
    again()
  }

  function again(why?: string): void {
    if (ended) return
    say('away', why)
    timer = setTimeout(connect, waitMs)
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
  }

  say('connecting')
  connect()
  return () => {
    ended = true
    clearTimeout(timer)
    stop()
  }
}

/** Whether it says that nobody is signed in: an operation's errors, or the close of the connection. */
function isOver(error: unknown): boolean {
  return Array.isArray(error) ? isSignedOut(error) : (error as CloseEvent | undefined)?.code === UNAUTHORIZED
}

const reasonOf = (error: unknown): string | undefined =>
  Array.isArray(error) ? (error[0] as Error | undefined)?.message : undefined

/** Where nobody is, signing in is asked for, and this waits. A connection may outlive its session: it says nothing of the next. */
async function askWhoIsThere(): Promise<void> {
  const headers = { 'content-type': 'application/json', ...FROM_HERE }
  const body = JSON.stringify({ query: '{ viewer { id } }' })
  await fetchAsOwner(URL_OF_API, { method: 'POST', credentials: 'same-origin', headers, body }).catch(() => undefined)
}
