/**
 * A form's edits over what the API has. While nothing is edited the form follows the configuration; an edit keeps the revision
 * that its author saw, so that what somebody else changed meanwhile is found as a conflict and not overwritten.
 */
import { useState } from 'react'

export interface Draft<Value> {
  value: Value
  /** What the edit began from: a mutation says how `value` differs from this, not from what somebody else wrote since. */
  from: Value
  set: (changed: Partial<Value>) => void
  dirty: boolean
  /** The revision to give as the one that was read. */
  readAt: string
  /** Whether somebody changed these very values since the edit began. */
  outdated: boolean
  /** Drop the edit. */
  reset: () => void
  /** The edit was committed: keep showing it until the configuration that has it arrives. */
  saved: () => void
}

interface Base<Value> {
  value: Value
  revision: string
  /** Whether `value` was committed and the answer that has it is still on its way. */
  awaiting: boolean
}

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

export function useDraft<Value extends object>(current: Value, revision: string): Draft<Value> {
  const [base, setBase] = useState<Base<Value>>({ value: current, revision, awaiting: false })
  const [value, setValue] = useState(current)
  const dirty = !same(value, base.value)
  const moved = base.revision !== revision || (!base.awaiting && !same(base.value, current))

  // The same values at a newer revision are what the person sees, too; other values only where nothing was edited.
  if (moved && (!dirty || same(base.value, current))) {
    setBase({ value: current, revision, awaiting: false })
    if (!dirty) setValue(current)
  }

  return {
    value,
    from: base.value,
    set: (changed) => setValue((before) => ({ ...before, ...changed })),
    dirty,
    readAt: base.revision,
    outdated: dirty && !base.awaiting && !same(base.value, current),
    reset: () => {
      setBase({ value: current, revision, awaiting: false })
      setValue(current)
    },
    saved: () => setBase({ value, revision: base.revision, awaiting: true }),
  }
}

/** Those fields of `value` that differ from `before`: what a mutation is to change. */
export function changedFields<Value extends object>(value: Value, before: Value): Partial<Value> {
  const fields = Object.keys(value) as (keyof Value)[]
  return Object.fromEntries(
    fields.filter((field) => !same(value[field], before[field])).map((field) => [field, value[field]]),
  ) as Partial<Value>
}
