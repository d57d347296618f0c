/** Signing in with e-mail and password. */
import { Alert, Button, Center, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { useMutation } from 'urql'
import { inWords } from '../api/client'
import { graphql } from '../api/graphql'

const LOGIN = graphql(`
  mutation Login($input: LoginInput!) {
    login(input: $input) {
      __typename
      ... on LoginRefused {
        message
        retryAfterSeconds
      }
    }
  }
`)

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [{ fetching }, login] = useMutation(LOGIN)
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [refused, setRefused] = useState<string>()

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const { data, error } = await login({ input: { email, password } })
    if (data?.login.__typename === 'LoggedIn') return onSignedIn()
    setRefused(data?.login.message ?? (error ? inWords(error) : 'Waybill did not answer.'))
  }

  return (
    <Center component="main" mih="100vh">
      <Paper withBorder p="xl" w={340} component="form" onSubmit={submit}>
        <Stack>
          <Title order={1}>Sign in to Waybill</Title>
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {refused && (
            <Alert color="red" role="alert">
              {refused}
            </Alert>
          )}
          <Button type="submit" loading={fetching}>
            Sign in
          </Button>
        </Stack>
      </Paper>
    </Center>
  )
}
