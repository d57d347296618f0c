/** Models. */
import { PageHead } from '../../shared/PageHead'

export default function ModelsPage() {
  return <PageHead title="Models" />
}
