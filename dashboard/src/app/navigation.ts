/** What the navigation lists, in its order. */
import {
  IconActivityHeartbeat, IconChartBar, IconCpu, IconFolders, IconGitCommit, IconLayoutDashboard, IconMessageCode,
  IconPlugConnected, IconSettings, IconUserCircle, IconUsers, type Icon,
} from '@tabler/icons-react' // prettier-ignore

export interface Place {
  path: string
  label: string
  icon: Icon
  /** `g` and then this key goes there. */
  key: string
  permission?: string
}

export const PLACES: readonly Place[] = [
  { path: '/', label: 'Overview', icon: IconLayoutDashboard, key: 'o' },
  { path: '/projects', label: 'Projects', icon: IconFolders, key: 'p' },
  { path: '/usage', label: 'Usage', icon: IconChartBar, key: 'u' },
  { path: '/models', label: 'Models', icon: IconCpu, key: 'm' },
  { path: '/providers', label: 'Providers', icon: IconPlugConnected, key: 'r' },
  { path: '/changes', label: 'Changes', icon: IconGitCommit, key: 'c' },
  { path: '/people', label: 'Users and roles', icon: IconUsers, key: 'e', permission: 'user:read' },
  { path: '/playground', label: 'Playground', icon: IconMessageCode, key: 'y' },
  { path: '/status', label: 'Status', icon: IconActivityHeartbeat, key: 's' },
  { path: '/settings', label: 'Settings', icon: IconSettings, key: 't' },
  { path: '/profile', label: 'Profile', icon: IconUserCircle, key: 'i' },
]
