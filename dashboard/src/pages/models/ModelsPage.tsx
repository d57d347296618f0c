/** All models: at which provider, at which price, what they can do, and whether they take part. */
import { Anchor, Badge, Button, Group, Select, Switch, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { useViewer } from '../../app/Viewer'
import { Problems, useChange } from '../../shared/change'
import { OPTIONS_DRAWN, useProviderChoices } from '../../shared/choices'
import { Empty } from '../../shared/Empty'
import { count, NOTHING, shortCount } from '../../shared/formats'
import { Loaded } from '../../shared/Loaded'
import { MorePages } from '../../shared/MorePages'
import { PageHead } from '../../shared/PageHead'
import { usePages } from '../../shared/pages'
import { NewModel } from './NewModel'
import { MODELS, UPDATE, type Model } from './queries'
import { abilities, priceWords } from './words'

const TYPING_MS = 200

export default function ModelsPage() {
  const viewer = useViewer()
  const [params, setParams] = useSearchParams()
  const provider = params.get('provider')
  const [search, setSearch] = useState('')
  const [asked] = useDebouncedValue(search.trim(), TYPING_MS)
  const [adding, setAdding] = useState(false)
  const providers = useProviderChoices()
  const pages = usePages({ query: MODELS, variables: { search: asked || null, provider } }, ({ models }) => models)
  const mayAdd = viewer.may('model:write')
  const add = mayAdd && (
    <Button leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
      Add a model
    </Button>
  )
  return (
    <>
      <PageHead title="Models" about="What requests are routed to. Prices are USD for a million tokens.">
        <TextInput
          type="search"
          aria-label="Search models"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Select
          aria-label="Provider"
          placeholder="All providers"
          clearable
          searchable
          value={provider}
          onChange={(chosen) => setParams(chosen ? { provider: chosen } : {}, { replace: true })}
          limit={OPTIONS_DRAWN}
          data={providers?.map(({ providerId }) => providerId) ?? []}
        />
        {add}
      </PageHead>
      <Loaded of={pages.answer}>
        {({ revision }) => (
          <>
            {pages.nodes.length === 0 ? (
              <Empty
                title={asked || provider ? 'No model matches' : 'No model yet'}
                hint={
                  providers?.length === 0
                    ? 'Add a provider first: a model is always at one.'
                    : 'Add one from the price table: its prices and its context window come with it.'
                }
              >
                {add}
              </Empty>
            ) : (
              <ModelTable models={pages.nodes} locked={!mayAdd} />
            )}
            <MorePages of={pages} what="models" />
            {adding && revision && (
              <NewModel readAt={revision.commit} provider={provider} onClose={() => setAdding(false)} />
            )}
          </>
        )}
      </Loaded>
    </>
  )
}

const HEADS = ['Model', 'Provider', 'Input', 'Output', 'Context', 'Can', 'Used by', 'Enabled']

function ModelTable({ models, locked }: { models: readonly Model[]; locked: boolean }) {
  const { change } = useChange()
  const [refused, setRefused] = useState<string>()

  async function enable(model: Model, enabled: boolean): Promise<void> {
    const made = await change({
      title: `${enabled ? 'Enable' : 'Disable'} “${model.modelId}”`,
      mutation: UPDATE,
      input: { modelId: model.modelId, fields: { enabled } },
      readAt: model.revision ?? '',
    })
    setRefused(made.kind === 'refused' || made.kind === 'invalid' ? made.message : undefined)
  }

  return (
    <>
      <Problems message={refused} />
      <Table.ScrollContainer minWidth={900}>
        <Table stickyHeader>
          <Table.Thead>
            <Table.Tr>
              {HEADS.map((head) => (
                <Table.Th key={head} ta={['Input', 'Output', 'Context'].includes(head) ? 'right' : undefined}>
                  {head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {models.map((model) => (
              <Table.Tr key={model.modelId}>
                <Table.Td>
                  <Anchor component={Link} to={`/models/${model.modelId}`} inherit fw={500}>
                    {model.modelId}
                  </Anchor>
                  {model.upstreamName !== model.modelId && (
                    <Text size="xs" c="dimmed">
                      {model.upstreamName}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <Anchor component={Link} to={`/providers/${model.providerId}`} inherit>
                    {model.providerId}
                  </Anchor>
                </Table.Td>
                <Table.Td ta="right">{priceWords(model.prices?.input)}</Table.Td>
                <Table.Td ta="right">{priceWords(model.prices?.output)}</Table.Td>
                <Table.Td ta="right" title={count(model.contextWindow)}>
                  {model.contextWindow ? shortCount(model.contextWindow) : NOTHING}
                </Table.Td>
                <Table.Td>
                  <Group gap={4}>
                    {abilities(model.capabilities).map((word) => (
                      <Badge key={word} size="xs" variant="default">
                        {word}
                      </Badge>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td title={model.usedBy.join(', ')}>
                  {model.usedBy.length ? count(model.usedBy.length) : 'nobody'}
                </Table.Td>
                <Table.Td>
                  <Switch
                    aria-label={`${model.modelId} enabled`}
                    checked={model.enabled}
                    disabled={locked}
                    onChange={(event) => void enable(model, event.currentTarget.checked)}
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
