/** Everything that pages stand in: the theme, the client, toasts, and who is signed in. */
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { useState } from 'react'
import { RouterProvider } from 'react-router'
import { Provider } from 'urql'
import { newClient } from '../api/client'
import { useSession } from '../api/session'
import { ErrorBoundary } from './ErrorBoundary'
import { router } from './routes'
import { SignIn } from './SignIn'
import { readable, styleNonce, theme } from './theme'
import { ViewerGate } from './Viewer'

export function App() {
  const { state, owner, page } = useSession()
  return (
    <MantineProvider theme={theme} cssVariablesResolver={readable} defaultColorScheme="auto" getStyleNonce={styleNonce}>
      <Notifications position="bottom-right" autoClose={6000} />
      <ErrorBoundary>
        {/* A page that belongs to somebody stays under the sign-in, with what they edited. */}
        {(state === 'open' || owner) && <Page key={page} />}
        {state !== 'open' && <SignIn />}
      </ErrorBoundary>
    </MantineProvider>
  )
}

/** The pages as one person sees them: somebody else may see other things, so nothing that was kept for the former one stays. */
function Page() {
  const [client] = useState(() => newClient())
  return (
    <Provider value={client}>
      <ViewerGate>
        <RouterProvider router={router} />
      </ViewerGate>
    </Provider>
  )
}
