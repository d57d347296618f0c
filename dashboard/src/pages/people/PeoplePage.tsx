/** Users, roles and the audit log, each at an address of its own. */
import { Tabs } from '@mantine/core'
import { useNavigate, useParams } from 'react-router'
import { NotFound } from '../../app/NotFound'
import { useViewer } from '../../app/Viewer'
import { PageHead } from '../../shared/PageHead'
import { AuditLog } from './AuditLog'
import { Roles } from './Roles'
import { Users } from './Users'

const TABS = [
  { value: 'users', label: 'Users', Panel: Users },
  { value: 'roles', label: 'Roles', Panel: Roles },
  { value: 'audit', label: 'Audit log', Panel: AuditLog },
]

export default function PeoplePage() {
  const { tab = 'users' } = useParams()
  const navigate = useNavigate()
  const viewer = useViewer()
  if (!viewer.may('user:read') || !TABS.some(({ value }) => value === tab)) return <NotFound />
  return (
    <>
      <PageHead title="Users and roles" />
      <Tabs value={tab} onChange={(value) => void navigate(`/people/${value ?? 'users'}`)} keepMounted={false}>
        <Tabs.List mb="md">
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ value, Panel }) => (
          <Tabs.Panel key={value} value={value}>
            <Panel />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  )
}
