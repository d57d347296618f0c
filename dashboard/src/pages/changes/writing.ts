/** Who may change which file of the configuration. Pure. */
import type { Viewer } from '../../app/Viewer'

const OF_ALL: Record<string, string> = { 'waybill.yaml': 'settings:write', 'roles.yaml': 'user:write' }
const OF_PROJECT = ['project:write', 'limit:write', 'member:write']
const OF_TOKENS = ['token:write', 'limit:write']

/** Whether some change of the file may be made: a part of it may take more, which the API says. */
export function mayWrite({ may, mayAnywhere }: Pick<Viewer, 'may' | 'mayAnywhere'>, path: string): boolean {
  const [folder, slug, kind] = path.split('/')
  if (folder === 'projects') return (kind === 'tokens' ? OF_TOKENS : OF_PROJECT).some((each) => may(each, slug))
  if (folder === 'models') return may('model:write')
  // A project may have providers of its own.
  if (folder === 'providers') return mayAnywhere('model:write')
  return may(OF_ALL[path] ?? 'settings:write')
}
