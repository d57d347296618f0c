/**
 * What every mutation of the configuration answers with. Spread all five in its payload, beside what it answers itself:
 *
 *   projectUpdate(input: $input) { __typename ...Done ...Clash ...Invalid ...Denied ...Missing }
 *
 * and give `[Done, Clash, Invalid, Denied, Missing]` to `graphql()` as its second argument, written out: `gql.tada check` reads no variable.
 */
import { graphql, type ResultOf } from '../../api/graphql'

export const Done = graphql(`
  fragment Done on ConfigurationChange {
    change {
      revision
      changedFiles
      dryRun
      replayed
      pendingProxies
      diff {
        path
        change
        unified
      }
    }
  }
`)

export const Clash = graphql(`
  fragment Clash on Conflict {
    message
    headRevision
    files {
      path
      read
      head
      proposed
    }
  }
`)

export const Invalid = graphql(`
  fragment Invalid on ValidationFailed {
    message
    problems {
      file
      line
      field
      reason
    }
  }
`)

export const Denied = graphql(`
  fragment Denied on NotAllowed {
    message
    permission
  }
`)

export const Missing = graphql(`
  fragment Missing on NotFound {
    message
  }
`)

export type Committed = ResultOf<typeof Done>['change']
export type Collision = ResultOf<typeof Clash>
export type Problem = ResultOf<typeof Invalid>['problems'][number]
