/**
 * Subscriptions over graphql-transport-ws. A feed goes on where it stopped: after a lost connection it is subscribed to
 * again with the cursor of its last batch, so nothing is missing and nothing is doubled.
 */
import { createClient, type Client } from 'graphql-ws'
import { stringifyDocument } from 'urql'
import type { TadaDocumentNode } from './graphql'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
const PINGED_EVERY_MS = 15_000
const ANSWERS_WITHIN_MS = 10_000

let shared: Client | undefined
let open = false
let silence: ReturnType<typeof setTimeout> | undefined

function socket(): Client {
  shared ??= createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
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
        error: (error) => again(Array.isArray(error) ? String((error[0] as Error | undefined)?.message) : undefined),
        complete: () => again(),
      },
    )
    // The protocol has no word for "subscribed": a connection that is open is one.
    if (open) return say('live')
    const unsubscribe = stop
    const unlisten = socket().on('connected', () => (unlisten(), say('live')))
    stop = () => (unlisten(), unsubscribe())
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
