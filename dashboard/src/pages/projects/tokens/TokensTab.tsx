/** The project's Bearer tokens: make, limit, re-generate, revoke. A value is shown once, when it is made. */
import { Button, Group, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useViewer } from '../../../app/Viewer'
import { ShownOnce } from '../../../shared/ask/ShownOnce'
import { Empty } from '../../../shared/Empty'
import { Loaded } from '../../../shared/Loaded'
import { MorePages } from '../../../shared/MorePages'
import { usePages } from '../../../shared/pages'
import type { TabProps } from '../ProjectPage'
import { Regenerate } from './Regenerate'
import { TOKENS, type Token } from './queries'
import { TokenForm } from './TokenForm'
import { TokenTable } from './TokenTable'

type Open = { at: 'new' } | { at: 'edit' | 'regenerate'; token: Token } | undefined

const TYPING_MS = 200

export default function TokensTab({ project: { slug } }: TabProps) {
  const viewer = useViewer()
  const [search, setSearch] = useState('')
  const [asked] = useDebouncedValue(search.trim(), TYPING_MS)
  const [open, setOpen] = useState<Open>()
  const [shown, setShown] = useState<{ name: string; value: string }>()
  const pages = usePages(
    { query: TOKENS, variables: { slug, search: asked || null, reports: viewer.may('report:read', slug) } },
    ({ project }) => project?.tokens,
  )
  const mayWrite = viewer.may('token:write', slug)
  const add = mayWrite && (
    <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setOpen({ at: 'new' })}>
      New Token
    </Button>
  )
  const close = (): void => setOpen(undefined)
  return (
    <>
      <Group justify="space-between" mb="sm">
        <TextInput
          type="search"
          aria-label="Search tokens"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {add}
      </Group>
      <Loaded of={pages.answer}>
        {({ project }) =>
          project && (
            <>
              {pages.nodes.length === 0 ? (
                <Empty
                  title={asked ? 'No token matches' : 'No token yet'}
                  hint={
                    asked
                      ? 'Search for another name.'
                      : 'An application authenticates with a token of its project. Make one for each application.'
                  }
                >
                  {!asked && add}
                </Empty>
              ) : (
                <TokenTable
                  project={project}
                  tokens={pages.nodes}
                  locked={!mayWrite}
                  onEdit={(token) => setOpen({ at: 'edit', token })}
                  onRegenerate={(token) => setOpen({ at: 'regenerate', token })}
                />
              )}
              <MorePages of={pages} what="tokens" />
              {(open?.at === 'new' || open?.at === 'edit') && (
                <TokenForm
                  project={project}
                  {...(open.at === 'edit' && { token: open.token })}
                  onClose={close}
                  onMade={(name, value) => setShown({ name, value })}
                />
              )}
              {open?.at === 'regenerate' && (
                <Regenerate
                  project={project}
                  token={open.token}
                  onClose={close}
                  onMade={(value) => setShown({ name: open.token.name, value })}
                />
              )}
            </>
          )
        }
      </Loaded>
      {shown && (
        <ShownOnce
          title={`The value of “${shown.name}”`}
          value={shown.value}
          hint="Applications send it as their API key: Authorization: Bearer sk-lr-…, or x-api-key."
          onClose={() => setShown(undefined)}
        />
      )}
    </>
  )
}
