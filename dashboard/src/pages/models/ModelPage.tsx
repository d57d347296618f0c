/** Model. */
import { PageHead } from '../../shared/PageHead'

export default function ModelPage() {
  return <PageHead title="Model" />
}
