/** Why a change was not made, where no field of the form is to blame. */
import { Alert, List } from '@mantine/core'
import type { Problem } from './fragments'

export function Problems({ problems, message }: { problems?: readonly Problem[]; message?: string | undefined }) {
  if (!problems?.length && !message) return null
  return (
    <Alert color="red" role="alert" title="Not saved">
      {message}
      {problems && problems.length > 0 && (
        <List size="sm">
          {problems.map((problem, index) => (
            <List.Item key={index}>
              {problem.file && `${problem.file}${problem.line ? `, line ${problem.line}` : ''}: `}
              {problem.field && <strong>{problem.field}: </strong>}
              {problem.reason}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}
