/** People. */
import { PageHead } from '../../shared/PageHead'

export default function PeoplePage() {
  return <PageHead title="People" />
}
