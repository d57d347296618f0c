/** All projects: what each is, and what it cost and did today. */
import { Button, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import type { ApiType } from '../../api/graphql'
import { useViewer } from '../../app/Viewer'
import { Empty } from '../../shared/Empty'
import { useTyped } from '../../shared/forms/useTyped'
import { Loaded } from '../../shared/Loaded'
import { MorePages } from '../../shared/MorePages'
import { PageHead } from '../../shared/PageHead'
import { usePages } from '../../shared/pages'
import type { Direction } from '../../shared/SortHead'
import { NewProject } from './NewProject'
import { ProjectTable } from './ProjectTable'
import { PROJECTS } from './queries'

type Measure = ApiType<'ProjectMeasure'>

export default function ProjectsPage() {
  const viewer = useViewer()
  const [params, setParams] = useSearchParams()
  const asked = params.get('search')?.trim() ?? ''
  const [creating, setCreating] = useState(false)
  const order = {
    field: (params.get('sort') ?? 'NAME') as Measure,
    direction: (params.get('direction') ?? 'ASC') as Direction,
  }
  const pages = usePages({ query: PROJECTS, variables: { search: asked || null, order } }, ({ projects }) => projects)
  const put = (changed: Record<string, string>): void =>
    setParams((before) => ({ ...Object.fromEntries(before), ...changed }), { replace: true })
  const [search, setSearch] = useTyped(asked, (text) => put({ search: text.trim() }))
  const create = viewer.may('project:write') && (
    <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setCreating(true)}>
      New project
    </Button>
  )
  return (
    <>
      <PageHead title="Projects" about="Who may call which models, how they are chosen, and within which limits.">
        <TextInput
          type="search"
          aria-label="Search projects"
          placeholder="Search by name or slug"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {create}
      </PageHead>
      <Loaded of={pages.answer}>
        {({ revision }) => (
          <>
            {pages.nodes.length === 0 ? (
              <Empty
                title={asked ? 'No project matches' : 'No project yet'}
                hint={
                  asked
                    ? 'Search for another name or slug.'
                    : 'A project has tokens for its applications, an order of models, and limits. Create one, then add a model and a token.'
                }
              >
                {!asked && create}
              </Empty>
            ) : (
              <>
                <ProjectTable
                  projects={pages.nodes}
                  order={order}
                  onOrder={(sort, direction) => put({ sort, direction })}
                />
                <MorePages of={pages} what="projects" />
              </>
            )}
            {creating && <NewProject readAt={revision?.commit ?? ''} onClose={() => setCreating(false)} />}
          </>
        )}
      </Loaded>
    </>
  )
}
