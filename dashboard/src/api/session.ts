/** Whether the browser is signed in, as far as the answers so far have said. */

type Listener = () => void

const listeners = new Set<Listener>()

/** Call `listener` whenever an answer says that nobody is signed in. Returns how to stop. */
export function onSignedOut(listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function signedOut(): void {
  for (const listener of listeners) listener()
}
