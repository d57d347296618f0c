/** A routing as the tab edits it: both lists in order, as routing.yaml has them. Pure. */
import type { Json, VariablesOf } from '../../../api/graphql'
import { limitsInput, type Limits } from '../../../shared/forms/limits'
import type { ROUTING_UPDATE, RoutedProject } from './queries'

export interface DraftModel {
  id: string
  guidance: string
  limits: Limits
}

export interface DraftPolicy {
  /** What the list knows it by while it is moved; the file has none. */
  key: string
  kind: string
  enabled: boolean
  /** Only those that differ from their defaults. */
  parameters: Record<string, Json>
}

export interface DraftRouting {
  models: DraftModel[]
  policies: DraftPolicy[]
}

export const NO_LIMITS: Limits = { mode: 'REPLACE', rules: [] }

export function routingDraft({ routing }: RoutedProject): DraftRouting {
  return {
    models: routing.models.map(({ modelId, guidance, limits }) => ({ id: modelId, guidance, limits })),
    policies: routing.policies.map(({ position, kind, enabled, parameters, given }) => ({
      key: `${kind}-${position}`,
      kind,
      enabled,
      parameters: chosen(parameters as Record<string, Json>, given),
    })),
  }
}

const chosen = (all: Record<string, Json>, names: readonly string[]): Record<string, Json> =>
  Object.fromEntries(names.filter((name) => name !== 'enabled' && name in all).map((name) => [name, all[name] ?? null]))

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

type Input = VariablesOf<typeof ROUTING_UPDATE>['input']

/** The lists that differ from `before`; of a model only what changed, as limits take a permission of their own. */
export function routingInput(
  project: string,
  before: DraftRouting,
  edited: DraftRouting,
): Pick<Input, 'project' | 'models' | 'policies'> {
  const known = new Map(before.models.map((model) => [model.id, model]))
  return {
    project,
    ...(!same(edited.models, before.models) && {
      models: edited.models.map(({ id, guidance, limits }) => {
        const was = known.get(id)
        return {
          id,
          ...(guidance !== (was?.guidance ?? '') && { guidance: guidance || null }),
          ...(!same(limits, was?.limits ?? NO_LIMITS) && { limits: limitsInput(limits) }),
        }
      }),
    }),
    ...(!same(edited.policies, before.policies) && {
      policies: edited.policies.map(({ kind, enabled, parameters }) => ({
        kind,
        enabled,
        parameters: { ...unset(before, kind), ...parameters },
      })),
    }),
  }
}

/** Null for each parameter that a policy of this kind had: what is not said again goes back to its default. */
const unset = ({ policies }: DraftRouting, kind: string): Record<string, null> =>
  Object.fromEntries(
    policies
      .filter((policy) => policy.kind === kind)
      .flatMap(({ parameters }) => Object.keys(parameters).map((name) => [name, null])),
  )

/** The same as routing.yaml writes it, for deciding by what is not saved. */
export function routingFile({ models, policies }: DraftRouting): Json {
  return {
    models: models.map(({ id, guidance, limits }) => ({
      id,
      ...(guidance && { guidance }),
      ...(limitsInput(limits) && { limits: limitsFile(limits) }),
    })),
    policies: policies.map(({ kind, enabled, parameters }) => ({ kind, ...(!enabled && { enabled }), ...parameters })),
  }
}

function limitsFile({ mode, rules }: Limits): Json {
  return {
    mode: mode.toLowerCase(),
    rules: rules.map(({ metric, value, window, rolling }) => ({
      metric: metric.toLowerCase(),
      value: Number(value),
      ...(rolling
        ? { rolling: { [rolling.unit.toLowerCase()]: rolling.length } }
        : { window: (window ?? 'DAILY').toLowerCase() }),
    })),
  }
}
