/** The settings as they are edited, and what a mutation takes of them: only what was changed. Pure. */
import type { VariablesOf } from '../../api/graphql'
import { limitsInput, type Limits } from '../../shared/forms/limits'
import { changedFields, same } from '../../shared/forms/useDraft'
import type { Settings, UPDATE } from './queries'

export interface Webhook {
  url: string
  source: 'ENV' | 'FILE'
  name: string
  allowPrivateAddress: boolean
}

export interface Draft {
  timeouts: Settings['timeouts']
  limits: Limits
  retention: Settings['retention']
  webhooks: Webhook[]
  review: Settings['review']
  journalFailure: Settings['journalFailure']
}

export function draftOf(settings: Settings): Draft {
  const { rowsDays, tracesDays, tracesMaxMb, journalHours, auditDays } = settings.retention
  return {
    timeouts: settings.timeouts,
    limits: settings.limits,
    retention: { rowsDays, tracesDays, tracesMaxMb, journalHours, auditDays },
    webhooks: (settings.alertWebhooks ?? []).map(({ url, secret, allowPrivateAddress }) => ({
      url,
      source: secret.source === 'FILE' ? 'FILE' : 'ENV',
      name: secret.name ?? '',
      allowPrivateAddress,
    })),
    review: settings.review,
    journalFailure: settings.journalFailure,
  }
}

type Input = Omit<VariablesOf<typeof UPDATE>['input'], 'expectedRevision' | 'reason' | 'idempotencyKey' | 'dryRun'>

export function changed(draft: Draft, from: Draft): Input {
  return {
    ...(!same(draft.timeouts, from.timeouts) && { timeouts: changedFields(draft.timeouts, from.timeouts) }),
    ...(!same(draft.limits, from.limits) && { limits: limitsInput(draft.limits) }),
    ...(!same(draft.retention, from.retention) && { retention: changedFields(draft.retention, from.retention) }),
    ...(!same(draft.review, from.review) && { review: draft.review }),
    ...(draft.journalFailure !== from.journalFailure && { journalFailure: draft.journalFailure }),
    ...(!same(draft.webhooks, from.webhooks) && {
      alertWebhooks: draft.webhooks.map(({ url, source, name, allowPrivateAddress }) => ({
        url,
        allowPrivateAddress,
        ...(source === 'ENV' ? { secretEnv: name } : { secretFile: name }),
      })),
    }),
  }
}
