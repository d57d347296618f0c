/** One request at an address of its own. */
import { Anchor, Breadcrumbs, Code } from '@mantine/core'
import { Link, useParams } from 'react-router'
import { useQuery } from 'urql'
import { PageHead } from '../../../shared/PageHead'
import { REQUEST } from '../../../shared/trace/queries'
import { RequestView } from '../../../shared/trace/RequestView'

export default function RequestPage() {
  const { id = '' } = useParams()
  // The same that the view asks: it is sent once.
  const [{ data }] = useQuery({ query: REQUEST, variables: { id } })
  const slug = data?.requestLog?.projectSlug
  return (
    <>
      <Breadcrumbs fz="xs" mb={4} mih={18}>
        <Anchor component={Link} to="/projects" size="xs">
          Projects
        </Anchor>
        {slug && (
          <Anchor component={Link} to={`/projects/${slug}`} size="xs">
            <Code>{slug}</Code>
          </Anchor>
        )}
        {slug && (
          <Anchor component={Link} to={`/projects/${slug}/logs`} size="xs">
            Logs
          </Anchor>
        )}
      </Breadcrumbs>
      <PageHead title="Trace" />
      <RequestView key={id} id={id} />
    </>
  )
}
