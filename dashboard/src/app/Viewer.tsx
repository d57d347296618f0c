/** Who is signed in and what they may do. Pages hide or disable what would be refused; the API decides all the same. */
import { Button, Center, Loader, Stack, Text } from '@mantine/core'
import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { inWords } from '../api/client'
import { graphql, type ResultOf } from '../api/graphql'
import { belongsTo } from '../api/session'

const ASKED_AGAIN_MS = 2_000

const VIEWER = graphql(`
  query Viewer {
    viewer {
      id
      email
      name
      role
      permissions
      restricted
      memberships {
        projectSlug
        role
        permissions
      }
    }
  }
`)

export type Viewer = ResultOf<typeof VIEWER>['viewer'] & {
  /** Whether a permission is there: in this project, or globally where none is named. */
  may: (permission: string, project?: string) => boolean
  /** Whether it is there in any project, or globally: what lists and pages over all projects take. */
  mayAnywhere: (permission: string) => boolean
}

const ViewerContext = createContext<Viewer | null>(null)

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('nobody is signed in')
  return viewer
}

export function ViewerGate({ children }: { children: ReactNode }) {
  const [{ data, error }, ask] = useQuery({ query: VIEWER })
  const viewer = useMemo(() => data && { ...data.viewer, ...rights(data.viewer) }, [data])
  useEffect(() => {
    if (viewer) belongsTo(viewer)
  }, [viewer])
  // Before a server that is restarting nobody has to press a button.
  useEffect(() => {
    if (!error || viewer) return
    const timer = setTimeout(() => ask({ requestPolicy: 'network-only' }), ASKED_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [error, viewer, ask])
  if (viewer) return <ViewerContext value={viewer}>{children}</ViewerContext>
  return (
    <Center mih="100vh" component="main">
      {error ? (
        <Stack align="center" role="alert">
          <Text>{inWords(error)}</Text>
          <Button onClick={() => ask({ requestPolicy: 'network-only' })}>Try again</Button>
        </Stack>
      ) : (
        <Loader aria-label="Loading" />
      )}
    </Center>
  )
}

function rights(viewer: ResultOf<typeof VIEWER>['viewer']): Pick<Viewer, 'may' | 'mayAnywhere'> {
  // To delete is no permission of its own: who may write may delete, but for a project's editor.
  const everywhere = new Set([...viewer.permissions, viewer.permissions.includes('project:write') && 'project:delete'])
  return {
    may(permission, project) {
      const membership = viewer.memberships.find((each) => each.projectSlug === project)
      if (membership?.permissions.includes(permission)) return true
      return everywhere.has(permission) && (!viewer.restricted || project === undefined || membership !== undefined)
    },
    mayAnywhere(permission) {
      return everywhere.has(permission) || viewer.memberships.some((each) => each.permissions.includes(permission))
    },
  }
}
