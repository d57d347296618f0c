/** The settings of the whole installation: timeouts, platform limits, retention, alert webhooks, reviews, the journal. */
import { Alert, Anchor, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { useViewer } from '../../app/Viewer'
import { Problems, problemsElsewhere, useChange, type Problem } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { LimitsFields } from '../../shared/forms/LimitsFields'
import { SaveBar } from '../../shared/forms/SaveBar'
import { useDraft } from '../../shared/forms/useDraft'
import { SetBy } from '../../shared/history/SetBy'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { changed, draftOf } from './draft'
import { JournalFields, RetentionFields, TimeoutFields } from './Fields'
import { SETTINGS, UPDATE, type Settings } from './queries'
import { ReviewFields } from './ReviewFields'
import { Section } from './Section'
import { WebhookFields } from './WebhookFields'

export default function SettingsPage() {
  // Their addresses may be secrets: only who may change them sees them.
  const webhooks = useViewer().may('settings:write')
  const answer = useConfiguration({ query: SETTINGS, variables: { webhooks } })
  return <Loaded of={answer}>{({ settings }) => <SettingsForm settings={settings} />}</Loaded>
}

const SHOWN = ['timeouts', 'limits', 'retention', 'alert_webhooks', 'review', 'journal_failure']

function SettingsForm({ settings }: { settings: Settings }) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  const {
    value: draft,
    from,
    dirty,
    outdated,
    readAt,
    set: put,
    reset: discard,
    saved,
  } = useDraft(draftOf(settings), settings.revision ?? '')
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()
  const locked = !viewer.may('settings:write')

  async function save(): Promise<void> {
    const made = await change({
      title: 'Change the settings',
      mutation: UPDATE,
      input: changed(draft, from),
      readAt,
    })
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    if (made.kind === 'done') saved()
    if (made.kind === 'theirs') discard()
  }

  const shared = { draft, put, problems, locked }
  return (
    <>
      <PageHead
        title="Settings"
        about={
          <>
            For the whole installation, in <code>waybill.yaml</code>.{' '}
            <Anchor component={Link} to="/docs/configuration#waybillyaml" inherit underline="always">
              What each means
            </Anchor>
          </>
        }
      />
      <Stack gap="lg" maw={860}>
        {locked && (
          <Alert role="note">You may look at the settings; changing them takes the permission settings:write.</Alert>
        )}
        <Problems message={refused} problems={problemsElsewhere(problems, ...SHOWN)} />
        <TimeoutFields {...shared} />
        <Section
          title="Platform limits"
          about="They hold for everything together, whatever projects and tokens say."
          setBy="limits"
        >
          <LimitsFields
            value={draft.limits}
            onChange={(limits) => put({ limits })}
            problems={problems}
            locked={locked}
          />
        </Section>
        <RetentionFields {...shared} />
        {!locked && <WebhookFields {...shared} />}
        <ReviewFields {...shared} />
        <JournalFields {...shared} />
        <Group gap="xs">
          <SetBy path="waybill.yaml" field="format" label="Format" /> The file as a whole:{' '}
          <Anchor component={Link} to="/changes?path=waybill.yaml" inherit underline="always">
            its history
          </Anchor>
        </Group>
        {!locked && <SaveBar {...{ dirty, outdated }} busy={checking} onSave={() => void save()} onDiscard={discard} />}
      </Stack>
    </>
  )
}
