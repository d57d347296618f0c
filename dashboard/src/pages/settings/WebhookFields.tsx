/** Where alerts are posted. The secret that signs them is named here, and lies with the API. */
import { ActionIcon, Button, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { problemAt } from '../../shared/change'
import type { Webhook } from './draft'
import type { FieldsProps } from './Fields'
import { Section } from './Section'

const NEW: Webhook = { url: '', source: 'ENV', name: 'WAYBILL_SECRET_', allowPrivateAddress: false }

export function WebhookFields({ draft, put, problems, locked }: FieldsProps) {
  const set = (place: number, part: Partial<Webhook>): void =>
    put({ webhooks: draft.webhooks.map((each, at) => (at === place ? { ...each, ...part } : each)) })
  return (
    <Section
      title="Alert webhooks"
      about="Alerts of limits are posted there, signed with HMAC-SHA256."
      setBy="alert_webhooks"
    >
      <Stack gap="sm">
        {draft.webhooks.length === 0 && (
          <Text size="sm" c="dimmed">
            No webhook. Add one to hear of limits that near their end.
          </Text>
        )}
        {draft.webhooks.map((webhook, place) => (
          <Group key={place} align="flex-start" role="group" aria-label={`Webhook ${place + 1}`}>
            <TextInput
              label="Address"
              type="url"
              placeholder="https://alerts.example.org/waybill"
              style={{ flex: 1 }}
              miw={240}
              readOnly={locked}
              value={webhook.url}
              onChange={(event) => set(place, { url: event.currentTarget.value })}
              error={problemAt(problems, `alert_webhooks[${place}].url`)}
            />
            <Select
              label="Secret in"
              allowDeselect={false}
              readOnly={locked}
              value={webhook.source}
              onChange={(source) => set(place, { source: source === 'FILE' ? 'FILE' : 'ENV' })}
              data={[
                { value: 'ENV', label: 'a variable' },
                { value: 'FILE', label: 'a file' },
              ]}
              w={110}
            />
            <TextInput
              label={webhook.source === 'ENV' ? 'Variable' : 'File'}
              readOnly={locked}
              value={webhook.name}
              onChange={(event) => set(place, { name: event.currentTarget.value })}
              error={problemAt(problems, `alert_webhooks[${place}].secret`)}
              w={200}
            />
            <Checkbox
              mt={26}
              label="Private network"
              disabled={locked}
              checked={webhook.allowPrivateAddress}
              onChange={(event) => set(place, { allowPrivateAddress: event.currentTarget.checked })}
            />
            {!locked && (
              <ActionIcon
                mt={22}
                color="red"
                aria-label={`Remove webhook ${place + 1}`}
                onClick={() => put({ webhooks: draft.webhooks.filter((_, at) => at !== place) })}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        {!locked && (
          <Group>
            <Button
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => put({ webhooks: [...draft.webhooks, NEW] })}
            >
              Add a webhook
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  )
}
