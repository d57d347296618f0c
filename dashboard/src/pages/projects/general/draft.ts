/** What the General tab edits, and the mutation's input that says only what changed. Pure. */
import type { VariablesOf } from '../../../api/graphql'
import { limitsInput, type Limits, type Rule } from '../../../shared/forms/limits'
import { changedFields } from '../../../shared/forms/useDraft'
import type { Project, UPDATE } from '../queries'

export interface GeneralValues {
  name: string
  description: string
  timeoutMs: number | null
  attemptTimeoutMs: number | null
  idleTimeoutMs: number | null
  defaultMaxOutputTokens: number | null
  traceContent: boolean
  /** The budget of a day and of a month, as typed; empty for none. */
  daily: string
  monthly: string
  /** What the limits have besides. */
  others: Limits
}

type Input = VariablesOf<typeof UPDATE>['input']
type Budget = 'DAILY' | 'MONTHLY'

const isBudget = (rule: Rule, window: Budget): boolean => rule.metric === 'COST' && rule.window === window

export function generalValues(project: Project): GeneralValues {
  const { timeouts, limits } = project
  const budget = (window: Budget): Rule | undefined => limits.rules.find((rule) => isBudget(rule, window))
  const [daily, monthly] = [budget('DAILY'), budget('MONTHLY')]
  return {
    name: project.name,
    description: project.description,
    timeoutMs: timeouts.timeoutMs,
    attemptTimeoutMs: timeouts.attemptTimeoutMs,
    idleTimeoutMs: timeouts.idleTimeoutMs,
    defaultMaxOutputTokens: project.defaultMaxOutputTokens,
    traceContent: project.traceContent,
    daily: daily?.value ?? '',
    monthly: monthly?.value ?? '',
    others: { mode: limits.mode, rules: limits.rules.filter((rule) => rule !== daily && rule !== monthly) },
  }
}

/** The budgets first, then the other limits, as the file will have them. */
export function wholeLimits({ daily, monthly, others }: GeneralValues): Limits {
  const budget = (value: string, window: Budget): Rule[] =>
    value ? [{ metric: 'COST', value, window, rolling: null }] : []
  return { mode: others.mode, rules: [...budget(daily, 'DAILY'), ...budget(monthly, 'MONTHLY'), ...others.rules] }
}

const TIMEOUTS = ['timeoutMs', 'attemptTimeoutMs', 'idleTimeoutMs'] as const

export function updateInput(
  slug: string,
  before: GeneralValues,
  edited: GeneralValues,
): Omit<Input, 'expectedRevision' | 'reason'> {
  const changed = changedFields(edited, before)
  const { daily, monthly, others, timeoutMs, attemptTimeoutMs, idleTimeoutMs, ...plain } = changed
  const timeouts = Object.fromEntries(TIMEOUTS.filter((name) => name in changed).map((name) => [name, edited[name]]))
  const limited = [daily, monthly, others].some((part) => part !== undefined)
  const timed = [timeoutMs, attemptTimeoutMs, idleTimeoutMs].some((part) => part !== undefined)
  return {
    slug,
    ...plain,
    ...(timed && { timeouts }),
    ...(limited && { limits: limitsInput(wholeLimits(edited)) }),
  }
}
