/** The one urql client: queries and mutations over HTTP with the session's cookie, subscriptions in `subscriptions.ts`. */
import { cacheExchange, Client, fetchExchange, mapExchange, type CombinedError } from 'urql'
import { fetchAsOwner, sessionEnded } from './session'

export const URL_OF_API = '/graphql'
/** Marks what a page of ours asks: no page of another site can. */
export const FROM_HERE = { 'x-waybill-client': 'dashboard' }

/** For a page and its owner. Signing in, which waits for nobody, has the browser's own `fetch`. */
export function newClient(fetch: typeof globalThis.fetch = fetchAsOwner): Client {
  return new Client({
    url: URL_OF_API,
    preferGetMethod: false,
    // What is shown may be a moment old, and is asked for again at once: nobody sees a former value after saving.
    requestPolicy: 'cache-and-network',
    fetch,
    fetchOptions: { credentials: 'same-origin', headers: FROM_HERE },
    exchanges: [
      cacheExchange,
      // A session may end between the look at it and the answer.
      mapExchange({
        onError: (error) => {
          if (isSignedOut(error.graphQLErrors)) sessionEnded()
        },
      }),
      fetchExchange,
    ],
  })
}

export function isSignedOut(errors: readonly { extensions?: Record<string, unknown> }[]): boolean {
  return errors.some(({ extensions }) => extensions?.['code'] === 'UNAUTHENTICATED')
}

/** An error in words for the person who sees it. */
export function inWords(error: CombinedError | Error): string {
  if ('networkError' in error && error.networkError) {
    return 'Waybill did not answer. It may be restarting; what you see is what was known before.'
  }
  if ('graphQLErrors' in error && error.graphQLErrors[0]) return error.graphQLErrors[0].message
  return error.message
}
