/** One request at an address of its own. */
import { useParams } from 'react-router'
import { PageHead } from '../../../shared/PageHead'
import { RequestView } from '../../../shared/trace/RequestView'

export default function RequestPage() {
  const { id = '' } = useParams()
  return (
    <>
      <PageHead title="Request" />
      <RequestView key={id} id={id} />
    </>
  )
}
