/** All providers: where models run, with which key, and how many models each has. */
import { Anchor, Badge, Button, Code, Switch, Table, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useViewer } from '../../app/Viewer'
import { Problems, useChange } from '../../shared/change'
import { Empty } from '../../shared/Empty'
import { count } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { MorePages } from '../../shared/MorePages'
import { PageHead } from '../../shared/PageHead'
import { usePages } from '../../shared/pages'
import { NewProvider } from './NewProvider'
import { PROVIDERS, UPDATE, type Provider } from './queries'
import { KINDS, keyWords } from './words'

const TYPING_MS = 200

export default function ProvidersPage() {
  const viewer = useViewer()
  const [search, setSearch] = useState('')
  const [asked] = useDebouncedValue(search.trim(), TYPING_MS)
  const [adding, setAdding] = useState(false)
  const pages = usePages({ query: PROVIDERS, variables: { search: asked || null } }, ({ providers }) => providers)
  const mayAdd = viewer.may('model:write')
  const add = mayAdd && (
    <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
      Add a provider
    </Button>
  )
  return (
    <>
      <PageHead
        title="Providers"
        about="Accounts at those who run models. Keys are sealed: only the proxies open them."
      >
        <TextInput
          type="search"
          aria-label="Search providers"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {add}
      </PageHead>
      <Loaded of={pages.answer}>
        {({ revision }) => (
          <>
            {pages.nodes.length === 0 ? (
              <Empty
                title={asked ? 'No provider matches' : 'No provider yet'}
                hint={
                  asked
                    ? 'Search for another id.'
                    : 'Add one from a preset: OpenAI, Anthropic, a server of your own, or a simulated one to try things.'
                }
              >
                {!asked && add}
              </Empty>
            ) : (
              <ProviderTable providers={pages.nodes} locked={!mayAdd} />
            )}
            <MorePages of={pages} what="providers" />
            {adding && revision && <NewProvider readAt={revision.commit} onClose={() => setAdding(false)} />}
          </>
        )}
      </Loaded>
    </>
  )
}

function ProviderTable({ providers, locked }: { providers: readonly Provider[]; locked: boolean }) {
  const { change } = useChange()
  const [refused, setRefused] = useState<string>()

  async function enable(provider: Provider, enabled: boolean): Promise<void> {
    const made = await change({
      title: `${enabled ? 'Enable' : 'Disable'} “${provider.providerId}”`,
      mutation: UPDATE,
      input: { providerId: provider.providerId, enabled },
      readAt: provider.revision ?? '',
      ...(!enabled && { warning: `Its ${count(provider.modelCount)} models take part in routing no more.` }),
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
  }

  return (
    <>
      <Problems message={refused} />
      <Table.ScrollContainer minWidth={760}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              {['Provider', 'Kind', 'Address', 'Key', 'Models', 'Enabled'].map((head) => (
                <Table.Th key={head}>{head}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {providers.map((provider) => (
              <Table.Tr key={provider.providerId}>
                <Table.Td>
                  <Anchor component={Link} to={`/providers/${provider.providerId}`} inherit fw={500}>
                    {provider.providerId}
                  </Anchor>{' '}
                  {provider.projectSlug && (
                    <Badge size="xs" variant="default">
                      {`of ${provider.projectSlug}`}
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td>{KINDS[provider.kind]}</Table.Td>
                <Table.Td>{provider.address && <Code>{provider.address}</Code>}</Table.Td>
                <Table.Td>{keyWords(provider)}</Table.Td>
                <Table.Td>{count(provider.modelCount)}</Table.Td>
                <Table.Td>
                  <Switch
                    aria-label={`${provider.providerId} enabled`}
                    checked={provider.enabled}
                    disabled={locked}
                    onChange={(event) => void enable(provider, event.currentTarget.checked)}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  )
}
