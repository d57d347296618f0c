/** The one urql client: queries and mutations over HTTP with the session's cookie, subscriptions in `subscriptions.ts`. */
import { cacheExchange, Client, fetchExchange, mapExchange, type CombinedError } from 'urql'
import { signedOut } from './session'

export function newClient(): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    // What is shown may be a moment old, and is asked for again at once: nobody sees a former value after saving.
    requestPolicy: 'cache-and-network',
    fetchOptions: { credentials: 'same-origin', headers: { 'x-waybill-client': 'dashboard' } },
    exchanges: [
      cacheExchange,
      mapExchange({
        onError: (error) => {
          if (isSignedOut(error)) signedOut()
        },
      }),
      fetchExchange,
    ],
  })
}

export function isSignedOut(error: CombinedError): boolean {
  return error.graphQLErrors.some((each) => each.extensions['code'] === 'UNAUTHENTICATED')
}

/** An error in words for the person who sees it. */
export function inWords(error: CombinedError | Error): string {
  if ('networkError' in error && error.networkError) {
    return 'Waybill did not answer. It may be restarting; what you see is what was known before.'
  }
  if ('graphQLErrors' in error && error.graphQLErrors[0]) return error.graphQLErrors[0].message
  return error.message
}
