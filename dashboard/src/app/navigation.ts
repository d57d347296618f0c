/** What the navigation lists, in its order. */
import {
  IconActivityHeartbeat, IconChartBar, IconCpu, IconFolders, IconGitCommit, IconLayoutDashboard, IconMessageCode,
  IconPlugConnected, IconSettings, IconUserCircle, IconUsers, type Icon,
} from '@tabler/icons-react' // prettier-ignore
import type { Viewer } from './Viewer'

export interface Place {
  path: string
  label: string
  icon: Icon
  /** `g` and then this key goes there. */
  key: string
  /** What it takes to see something there: in any project, or globally. */
  permission?: string
}

const PLACES: readonly Place[] = [
  { path: '/', label: 'Overview', icon: IconLayoutDashboard, key: 'o', permission: 'report:read' },
  { path: '/projects', label: 'Projects', icon: IconFolders, key: 'p', permission: 'project:read' },
  { path: '/usage', label: 'Usage', icon: IconChartBar, key: 'u', permission: 'report:read' },
  { path: '/models', label: 'Models', icon: IconCpu, key: 'm', permission: 'model:read' },
  { path: '/providers', label: 'Providers', icon: IconPlugConnected, key: 'r', permission: 'model:read' },
  { path: '/changes', label: 'Changes', icon: IconGitCommit, key: 'c' },
  { path: '/people', label: 'Users and roles', icon: IconUsers, key: 'e', permission: 'user:read' },
  { path: '/playground', label: 'Playground', icon: IconMessageCode, key: 'y' },
  { path: '/status', label: 'Status', icon: IconActivityHeartbeat, key: 's', permission: 'project:read' },
  { path: '/settings', label: 'Settings', icon: IconSettings, key: 't', permission: 'project:read' },
  { path: '/profile', label: 'Profile', icon: IconUserCircle, key: 'i' },
]

/** Those that lead somewhere for this person. */
export const placesOf = ({ mayAnywhere }: Pick<Viewer, 'mayAnywhere'>): Place[] =>
  PLACES.filter(({ permission }) => !permission || mayAnywhere(permission))
