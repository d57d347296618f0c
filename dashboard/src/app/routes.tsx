/** Every page and its address. Each is loaded when it is first opened; an address that is no page says so. */
import type { ComponentType } from 'react'
import { createBrowserRouter, type RouteObject } from 'react-router'
import { RouteFailed } from './ErrorBoundary'
import { Frame } from './Frame'
import { NotFound } from './NotFound'
import { didNotLoad, NotLoaded } from './NotLoaded'

type Page = () => Promise<{ default: ComponentType }>

const page = (path: string, load: Page, children?: RouteObject[]): RouteObject => ({
  path,
  lazy: async () => ({ Component: await loaded(load) }),
  errorElement: <RouteFailed />,
  ...(children && { children }),
})

/** The page; where it does not arrive, what says so: the router would show nothing. */
async function loaded(load: Page): Promise<ComponentType> {
  try {
    return (await load()).default
  } catch (error) {
    if (error instanceof Error && didNotLoad(error)) return NotLoaded
    return () => {
      throw error
    }
  }
}

export const router = createBrowserRouter([
  {
    element: <Frame />,
    errorElement: <RouteFailed />,
    hydrateFallbackElement: <></>,
    children: [
      page('/', () => import('../pages/overview/OverviewPage')),
      page('/projects', () => import('../pages/projects/ProjectsPage')),
      page('/projects/:slug/:tab?', () => import('../pages/projects/ProjectPage')),
      page('/requests/:id', () => import('../pages/projects/logs/RequestPage')),
      page('/usage', () => import('../pages/usage/UsagePage')),
      page('/models', () => import('../pages/models/ModelsPage')),
      page('/models/*', () => import('../pages/models/ModelPage')),
      page('/providers', () => import('../pages/providers/ProvidersPage')),
      page('/providers/:id', () => import('../pages/providers/ProviderPage')),
      page('/changes', () => import('../pages/changes/ChangesPage')),
      page('/changes/:commit', () => import('../pages/changes/ChangePage')),
      page('/people/:tab?', () => import('../pages/people/PeoplePage')),
      page('/playground', () => import('../pages/playground/PlaygroundPage')),
      page('/status', () => import('../pages/status/StatusPage')),
      page('/settings', () => import('../pages/settings/SettingsPage')),
      page('/profile', () => import('../pages/profile/ProfilePage')),
      page('/docs/:name', () => import('../pages/docs/DocsPage')),
      { path: '*', element: <NotFound /> },
    ],
  },
])
