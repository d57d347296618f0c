/** Playground. */
import { PageHead } from '../../shared/PageHead'

export default function PlaygroundPage() {
  return <PageHead title="Playground" />
}
