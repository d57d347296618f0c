/** The settings of the installation. */
import { graphql, type ResultOf } from '../../api/graphql'
import { Clash, Denied, Done, Invalid, Missing } from '../../shared/change'

export const SETTINGS = graphql(`
  query Settings($webhooks: Boolean!) {
    settings {
      timeouts {
        timeoutMs
        attemptTimeoutMs
        idleTimeoutMs
        connectTimeoutMs
      }
      limits {
        mode
        rules {
          metric
          value
          window
          rolling {
            length
            unit
          }
        }
      }
      retention {
        rowsDays
        tracesDays
        tracesMaxMb
        journalHours
        auditDays
      }
      alertWebhooks @include(if: $webhooks) {
        url
        secret {
          source
          name
        }
        allowPrivateAddress
      }
      review {
        paths
        limitRaisePercent
        approvals
      }
      journalFailure
      revision
    }
  }
`)

export const UPDATE = graphql(
  `
    mutation UpdateSettings($input: SettingsUpdateInput!) {
      settingsUpdate(input: $input) {
        __typename
        ...Done
        ...Clash
        ...Invalid
        ...Denied
        ...Missing
      }
    }
  `,
  [Done, Clash, Invalid, Denied, Missing],
)

export type Settings = ResultOf<typeof SETTINGS>['settings']
