/** Where the dashboard begins. */
import '@mantine/core/styles.layer.css'
import '@mantine/notifications/styles.layer.css'
import './app/base.css'

import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { styleNonce } from './app/theme'

// Some libraries make style elements of their own: the content security policy lets only those with its nonce through.
setNonce(styleNonce())

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
