/** Signing in with e-mail and password: a page where nobody was, else over the page of whoever was, which stays as it is. */
import { Alert, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useRef, useState, type SubmitEvent } from 'react'
import { inWords, newClient } from '../api/client'
import { graphql } from '../api/graphql'
import { handOver, signedIn, useSession, type Person } from '../api/session'
import { Dialog } from '../shared/Dialog'

const LOGIN = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on LoggedIn {
        viewer {
          id
          email
        }
      }
      ... on LoginRefused {
        message
        retryAfterSeconds
      }
    }
  }
`)

export function SignIn() {
  const { owner, other } = useSession()
  if (!owner) {
    return (
      <Center component="main" mih="100vh">
        <Paper withBorder p="xl" w={340}>
          <Stack>
            <Title order={1}>Sign in to Waybill</Title>
            <Form />
          </Stack>
        </Paper>
      </Center>
    )
  }
  return (
    <Dialog
      title={other ? `Now signed in as ${other.email}` : 'Sign in to go on'}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      size={380}
      centered
      // Over every other dialog; what is behind is not for everybody who passes by.
      zIndex={500}
      overlayProps={{ backgroundOpacity: 0.75, blur: 8 }}
    >
      <Stack>
        <Text size="sm">
          {other
            ? `Another tab signed in as ${other.email}. This page is ${owner.email}’s, with what they edited on it.`
            : `The session of ${owner.email} is over. What was edited on this page is still there.`}
        </Text>
        {other && (
          <Button variant="default" onClick={handOver}>
            Go on as {other.email}, without those edits
          </Button>
        )}
        <Form owner={owner} />
      </Stack>
    </Dialog>
  )
}

function Form({ owner }: { owner?: Person }) {
  const [client] = useState(() => newClient(fetch))
  const [email, setEmail] = useState(owner?.email ?? '')
  const [password, setPassword] = useState('')
  const [refused, setRefused] = useState<string>()
  const [checking, setChecking] = useState(false)
  // What is being checked: whoever corrects it meanwhile is answered for what they sent last.
  const sent = useRef('')

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const typed = JSON.stringify([email, password])
    if (checking && sent.current === typed) return
    sent.current = typed
    setChecking(true)
    setRefused(undefined)
    const { data, error } = await client.mutation(LOGIN, { input: { email, password } }).toPromise()
    if (data?.login.__typename === 'LoggedIn') return signedIn(data.login.viewer)
    if (sent.current !== typed) return
    setChecking(false)
    setRefused(data?.login.message ?? (error ? inWords(error) : 'Waybill did not answer.'))
  }

  // A dialog below must not close by the keys that are pressed here.
  const apart = { 'data-mantine-stop-propagation': true }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="username"
          required
          autoFocus={!owner}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          {...apart}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          data-autofocus={owner ? true : undefined}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          {...apart}
        />
        {refused && (
          <Alert color="red" role="alert">
            {sentence(refused)}
          </Alert>
        )}
        {/* Never out of use: Enter would do nothing then. */}
        <Button type="submit" aria-busy={checking} {...apart}>
          {checking ? 'Signing in…' : 'Sign in'}
        </Button>
      </Stack>
    </form>
  )
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)
