/** Picks one of the registered models that the project does not use yet. */
import { Button, Combobox, Text, useCombobox } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { OPTIONS_DRAWN, type KnownModel } from '../../../shared/choices'

export function AddModel({ free, onAdd }: { free: readonly KnownModel[]; onAdd: (id: string) => void }) {
  const [search, setSearch] = useState('')
  const store = useCombobox({
    onDropdownClose: () => {
      store.resetSelectedOption()
      store.focusTarget()
      setSearch('')
    },
    onDropdownOpen: () => store.focusSearchInput(),
  })
  const wanted = search.trim().toLowerCase()
  const found = free.filter(({ modelId, providerId }) => `${modelId} ${providerId}`.toLowerCase().includes(wanted))
  return (
    <Combobox
      store={store}
      width={280}
      position="bottom-end"
      shadow="md"
      onOptionSubmit={(id) => {
        onAdd(id)
        store.closeDropdown()
      }}
    >
      <Combobox.Target withAriaAttributes={false}>
        <Button
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => store.toggleDropdown()}
        >
          Add Model
        </Button>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          aria-label="Search registered models"
          placeholder="Search"
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value)
            store.selectFirstOption()
          }}
        />
        <Combobox.Options mah={260} style={{ overflowY: 'auto' }} aria-label="Registered models">
          {found.slice(0, OPTIONS_DRAWN).map(({ modelId, providerId, enabled }) => (
            <Combobox.Option key={modelId} value={modelId}>
              <Text size="sm">{modelId}</Text>
              <Text size="xs" c="dimmed">
                {providerId}
                {!enabled && ', disabled'}
              </Text>
            </Combobox.Option>
          ))}
          {found.length === 0 && (
            <Combobox.Empty>{free.length ? 'No model matches' : 'All registered models are in use'}</Combobox.Empty>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
