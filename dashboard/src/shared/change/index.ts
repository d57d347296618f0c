/** Making a change. See `../index.md` for how. */
export { ChangeProvider, useChange } from './ChangeProvider'
export { Diff, type FileDiff } from './Diff'
export { Clash, Denied, Done, Invalid, Missing, type Committed, type Problem } from './fragments'
export { Problems } from './Problems'
export { newKey, problemAt, problemsElsewhere, type ChangeRequest, type Outcome } from './request'
export { Unsaved } from './Unsaved'
