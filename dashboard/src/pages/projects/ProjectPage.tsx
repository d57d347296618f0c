/** One project and its five tabs, each with an address of its own. */
import { Anchor, Breadcrumbs, Code, Tabs, Text } from '@mantine/core'
import { lazy, Suspense, type ComponentType, type LazyExoticComponent } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
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

const TABS: Record<string, { label: string; Tab: Tab }> = {
  general: { label: 'General', Tab: lazy(() => import('./general/GeneralTab')) },
  routing: { label: 'Routing', Tab: lazy(() => import('./routing/RoutingTab')) },
  tokens: { label: 'Tokens', Tab: lazy(() => import('./tokens/TokensTab')) },
  users: { label: 'Users', Tab: lazy(() => import('./users/UsersTab')) },
  logs: { label: 'Logs', Tab: lazy(() => import('./logs/LogsTab')) },
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
  const chosen = TABS[tab]
  if (!chosen) return <NotFound />
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
          {Object.entries(TABS).map(([name, { label }]) => (
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
