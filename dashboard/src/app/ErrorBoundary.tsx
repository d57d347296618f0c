/** What is seen when a page fails in a way that nobody foresaw: what happened, and a way on. */
import { Alert, Button, Code, Container, Stack } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { useRouteError } from 'react-router'
import { didNotLoad, NotLoaded } from './NotLoaded'

interface Failure {
  error: Error | null
}

export class ErrorBoundary extends Component<{ children: ReactNode }, Failure> {
  override state: Failure = { error: null }

  static getDerivedStateFromError(error: Error): Failure {
    return { error }
  }

  override render(): ReactNode {
    return this.state.error ? <Failed error={this.state.error} /> : this.props.children
  }
}

/** The same for a route: navigation stays usable around it. */
export function RouteFailed() {
  const error = useRouteError()
  return <Failed error={error instanceof Error ? error : new Error(String(error))} />
}

function Failed({ error }: { error: Error }) {
  if (didNotLoad(error)) return <NotLoaded />
  return (
    <Container size="sm" py="xl">
      <Alert color="red" title="This page failed" role="alert">
        <Stack align="flex-start">
          <Code block>{error.message}</Code>
          <Button variant="default" onClick={() => location.reload()}>
            Load again
          </Button>
        </Stack>
      </Alert>
    </Container>
  )
}
