/** What the change dialog shows, as values: a change is checked, reviewed, committed; it may collide, more than once. */
import type { Collision, Committed } from './fragments'
import type { ChangeRequest } from './request'

export type AnyRequest = ChangeRequest<unknown, unknown>

export type Stage =
  | { at: 'closed' }
  | { at: 'checking'; request: AnyRequest }
  | { at: 'review'; request: AnyRequest; on: string; preview: Committed; problem?: string }
  | { at: 'committing'; request: AnyRequest; on: string; preview: Committed }
  | { at: 'conflict'; request: AnyRequest; conflict: Collision }
