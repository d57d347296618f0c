/** A new password, for who knows the present one. What was typed is dropped as soon as it was sent. */
import { Alert, Button, Group, PasswordInput, Stack } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState, type SubmitEvent } from 'react'
import { useMutation } from 'urql'
import { fieldError, refusal, type Refusal } from '../../shared/ask/refusals'
import { CHANGE_PASSWORD } from './queries'

const SHORTEST = 12

export function PasswordForm({ email, onChanged }: { email: string; onChanged: () => void }) {
  const [present, setPresent] = useState('')
  const [wished, setWished] = useState('')
  const [again, setAgain] = useState('')
  const [why, setWhy] = useState<Refusal>()
  const [{ fetching }, change] = useMutation(CHANGE_PASSWORD)
  const short = wished !== '' && wished.length < SHORTEST
  const differs = again !== '' && again !== wished

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const { data, error } = await change({ input: { presentPassword: present, newPassword: wished } })
    const refused = refusal(data?.passwordChange, error)
    setWhy(refused)
    setPresent('')
    if (refused) return
    setWished('')
    setAgain('')
    const ended = data?.passwordChange.__typename === 'PasswordChanged' ? data.passwordChange.endedSessions : 0
    notifications.show({ message: ended ? `Password changed; ${ended} other sessions ended` : 'Password changed' })
    onChanged()
  }

  return (
    <form onSubmit={submit}>
      <Stack maw={320}>
        {/* For password managers: whose password this is. */}
        <input type="text" autoComplete="username" value={email} readOnly hidden />
        <PasswordInput
          label="Present password"
          autoComplete="current-password"
          required
          value={present}
          onChange={(event) => setPresent(event.currentTarget.value)}
          error={fieldError(why, 'presentPassword')}
        />
        <PasswordInput
          label="New password"
          description={`At least ${SHORTEST} characters. Your other sessions end; API keys stay.`}
          autoComplete="new-password"
          required
          value={wished}
          onChange={(event) => setWished(event.currentTarget.value)}
          error={short ? `${SHORTEST - wished.length} more characters are needed` : fieldError(why, 'newPassword')}
        />
        <PasswordInput
          label="New password again"
          autoComplete="new-password"
          required
          value={again}
          onChange={(event) => setAgain(event.currentTarget.value)}
          error={differs && 'It is not the same'}
        />
        {why && (
          <Alert color="red" role="alert">
            {why.message}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={fetching} disabled={!present || !again || short || differs}>
            Change password
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
