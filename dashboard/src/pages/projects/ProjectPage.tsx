/** One project and its five tabs, each with an address of its own. */
import { Anchor, Breadcrumbs, Code, Tabs, Text } from '@mantine/core'
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useViewer } from '../../app/Viewer'
import { NotFound } from '../../app/NotFound'
import { useConfiguration } from '../../shared/configuration'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { Waiting } from '../../shared/Waiting'
import { PROJECT, type Project } from './queries'

export interface TabProps {
  project: Project
  /** The installation's timeout, which holds where the project sets none. */
  inheritedTimeoutMs: number | null
}

type Tab = LazyExoticComponent<ComponentType<TabProps>>

interface Entry {
  label: string
  Tab: Tab
  /** What seeing it takes besides the project's sight. */
  permission?: string
}

const TABS: Record<string, Entry> = {
  general: { label: 'General', Tab: lazy(() => import('./general/GeneralTab')) },
  routing: { label: 'Routing', Tab: lazy(() => import('./routing/RoutingTab')) },
  tokens: { label: 'Tokens', Tab: lazy(() => import('./tokens/TokensTab')) },
  users: { label: 'Users', Tab: lazy(() => import('./users/UsersTab')) },
  logs: { label: 'Logs', Tab: lazy(() => import('./logs/LogsTab')), permission: 'report:read' },
}

export default function ProjectPage() {
  const { slug = '' } = useParams()
  const answer = useConfiguration({ query: PROJECT, variables: { slug } })
  return (
    <Loaded of={answer}>
      {({ project, settings }) =>
        project ? (
          <Opened key={slug} project={project} inheritedTimeoutMs={settings.timeouts.timeoutMs} />
        ) : (
          <NotFound what="project" />
        )
      }
    </Loaded>
  )
}

function Opened({ project, inheritedTimeoutMs }: TabProps) {
  const { tab = 'general' } = useParams()
  const navigate = useNavigate()
  const viewer = useViewer()
  const seen = ({ permission }: Entry): boolean => !permission || viewer.may(permission, project.slug)
  const chosen = TABS[tab]
  if (!chosen || !seen(chosen)) return <NotFound />
  return (
    <>
      <Breadcrumbs fz="xs" mb={4}>
        <Anchor component={Link} to="/projects" size="xs">
          Projects
        </Anchor>
        <Code>{project.slug}</Code>
      </Breadcrumbs>
      <PageHead title={project.name} about={project.description || <Text span>No description</Text>} />
      <Tabs
        value={tab}
        onChange={(next) => void navigate(`/projects/${project.slug}/${next ?? 'general'}`)}
        activateTabWithKeyboard={false}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {Object.entries(TABS)
            .filter(([, entry]) => seen(entry))
            .map(([name, { label }]) => (
              <Tabs.Tab key={name} value={name}>
                {label}
              </Tabs.Tab>
            ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Suspense fallback={<Waiting />}>
            <chosen.Tab project={project} inheritedTimeoutMs={inheritedTimeoutMs} />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </>
  )
}
