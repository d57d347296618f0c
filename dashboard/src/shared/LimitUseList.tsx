/** Limits with what is used of each, as bars with their figures in words. */
import { Group, Progress, Stack, Text } from '@mantine/core'
import type { ApiType } from '../api/graphql'
import { ago, count, instant, money, share as percent } from './formats'
import { METRICS } from './forms/limits'

export interface Use {
  scope: ApiType<'LimitScope'>
  metric: ApiType<'LimitMetric'>
  window: string | null
  resetsAt: string | null
  limit: string
  used: string
  share: number
  model?: string | null
}

const amount = (metric: Use['metric'], value: string): string =>
  metric === 'COST' ? money(value) : count(Number(value))

export function LimitUseList({ uses }: { uses: readonly Use[] }) {
  return (
    <Stack gap="xs">
      {uses.map((use, index) => (
        <LimitUseBar key={index} use={use} />
      ))}
    </Stack>
  )
}

export function LimitUseBar({ use }: { use: Use }) {
  const { metric, window, limit, used, share, resetsAt, model } = use
  const name = `${METRICS[metric]}, ${window ?? ''}${model ? `, on ${model}` : ''}`
  const color = share >= 1 ? 'red' : share >= 0.8 ? 'yellow' : undefined
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="xs">{name}</Text>
        <Text size="xs" c="dimmed" className="figures">
          {amount(metric, used)} of {amount(metric, limit)}
          {resetsAt && <span title={instant(resetsAt)}>{` · resets ${ago(resetsAt)}`}</span>}
        </Text>
      </Group>
      <Progress
        value={Math.min(100, share * 100)}
        {...(color && { color })}
        size="sm"
        aria-label={`${name}: ${percent(share)} used`}
      />
    </div>
  )
}
