/** Everything that pages stand in: the theme, the client, toasts, and who is signed in. */
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { useEffect, useState } from 'react'
import { RouterProvider } from 'react-router'
import { Provider } from 'urql'
import { newClient } from '../api/client'
import { onSignedOut } from '../api/session'
import { ErrorBoundary } from './ErrorBoundary'
import { router } from './routes'
import { SignIn } from './SignIn'
import { readable, styleNonce, theme } from './theme'
import { ViewerGate } from './Viewer'

export function App() {
  const [client, setClient] = useState(newClient)
  const [signedOut, setSignedOut] = useState(false)
  useEffect(() => onSignedOut(() => setSignedOut(true)), [])

  function signedIn(): void {
    // Somebody else may see other things: nothing that was kept for the former one stays.
    setClient(newClient())
    setSignedOut(false)
  }

  return (
    <MantineProvider theme={theme} cssVariablesResolver={readable} defaultColorScheme="auto" getStyleNonce={styleNonce}>
      <Notifications position="bottom-right" autoClose={6000} />
      <ErrorBoundary>
        <Provider value={client}>
          {signedOut ? (
            <SignIn onSignedIn={signedIn} />
          ) : (
            <ViewerGate>
              <RouterProvider router={router} />
            </ViewerGate>
          )}
        </Provider>
      </ErrorBoundary>
    </MantineProvider>
  )
}
