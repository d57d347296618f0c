/** An address that leads nowhere. */
import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { PageHead } from '../shared/PageHead'

export function NotFound({ what = 'page' }: { what?: string }) {
  return (
    <>
      <PageHead title={`There is no such ${what}`} />
      <Text>
        It may have been removed, or you may not be allowed to see it.{' '}
        <Anchor component={Link} to="/projects">
          To the projects
        </Anchor>
      </Text>
    </>
  )
}
