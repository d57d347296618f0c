/** A page of the product's documentation, with the anchors that policies and settings link to. */
import { Anchor, Group, Typography } from '@mantine/core'
import { useEffect, useState, type MouseEvent } from 'react'
import { Link, useLocation, useNavigate, useParams } from 'react-router'
import { NotFound } from '../../app/NotFound'
import { Waiting } from '../../shared/Waiting'
import './docs.css'

/** The pages that are bundled; a link to another one leads to the product's repository, which is not here. */
const TITLES: Record<string, string> = {
  'concepts-routing': 'Concepts: Routing',
  configuration: 'Configuration',
  dialects: 'Dialects',
  explain: 'Explain',
}

const LOADERS = import.meta.glob<string>(
  [
    '../../../../docs/concepts-routing.md',
    '../../../../docs/configuration.md',
    '../../../../docs/dialects.md',
    '../../../../docs/explain.md',
  ],
  { query: '?html', import: 'default' },
)

export default function DocsPage() {
  const { name = '' } = useParams()
  const load = LOADERS[`../../../../docs/${name}.md`]
  return load ? <DocsText key={name} name={name} load={load} /> : <NotFound what="page of the documentation" />
}

function DocsText({ name, load }: { name: string; load: () => Promise<string> }) {
  const [html, setHtml] = useState<string>()
  const { hash } = useLocation()
  const navigate = useNavigate()
  useEffect(() => void load().then(setHtml), [load])
  useEffect(() => {
    const section = html && hash ? document.getElementById(decodeURIComponent(hash.slice(1))) : null
    section?.scrollIntoView()
    section?.focus({ preventScroll: true })
  }, [html, hash])

  // Links inside the text stay inside the application.
  function followed(event: MouseEvent<HTMLDivElement>): void {
    const href = (event.target as HTMLElement).closest('a')?.getAttribute('href')
    if (!href || !/^[/#]/.test(href) || event.metaKey || event.ctrlKey) return
    event.preventDefault()
    void navigate(href)
  }

  return (
    <>
      <title>{`${TITLES[name]} · Waybill`}</title>
      <Group component="nav" aria-label="Documentation" gap="lg" mb="md">
        {Object.entries(TITLES).map(([page, title]) => (
          <Anchor
            key={page}
            component={Link}
            to={`/docs/${page}`}
            size="sm"
            aria-current={page === name ? 'page' : undefined}
          >
            {title}
          </Anchor>
        ))}
      </Group>
      {html === undefined ? (
        <Waiting />
      ) : (
        <Typography className="docs">
          {/* The links are reached and followed by themselves; this only keeps them from loading the page anew. */}
          {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
          <div onClick={followed} dangerouslySetInnerHTML={{ __html: html }} />
        </Typography>
      )}
    </>
  )
}
