/** The settings of the whole installation: timeouts, platform limits, retention, alert webhooks, reviews, the journal. */
import { Alert, Anchor, Button, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { useViewer } from '../../app/Viewer'
import { Problems, problemsElsewhere, Unsaved, useChange, type Problem } from '../../shared/change'
import { useConfiguration } from '../../shared/configuration'
import { LimitsFields } from '../../shared/forms/LimitsFields'
import { SetBy } from '../../shared/history/SetBy'
import { Loaded } from '../../shared/Loaded'
import { PageHead } from '../../shared/PageHead'
import { changed, draftOf, isSame, type Draft } from './draft'
import { JournalFields, RetentionFields, TimeoutFields } from './Fields'
import { SETTINGS, UPDATE, type Settings } from './queries'
import { ReviewFields } from './ReviewFields'
import { Section } from './Section'
import { WebhookFields } from './WebhookFields'

export default function SettingsPage() {
  const answer = useConfiguration({ query: SETTINGS })
  return <Loaded of={answer}>{({ settings }) => <SettingsForm settings={settings} />}</Loaded>
}

const SHOWN = ['timeouts', 'limits', 'retention', 'alert_webhooks', 'review', 'journal_failure']

function SettingsForm({ settings }: { settings: Settings }) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  // What was read when the edit began: what others commit meanwhile does not change it under one's hands.
  const [read, setRead] = useState(settings)
  const [draft, setDraft] = useState<Draft>(() => draftOf(settings))
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()
  const from = draftOf(read)
  const dirty = !isSame(draft, from)
  const locked = !viewer.may('settings:write')
  const put = (part: Partial<Draft>): void => setDraft({ ...draft, ...part })

  if (!dirty && settings !== read) begin(settings)

  function begin(at: Settings): void {
    setRead(at)
    setDraft(draftOf(at))
    setProblems([])
  }

  async function save(): Promise<void> {
    const made = await change({
      title: 'Change the settings',
      mutation: UPDATE,
      input: changed(draft, from),
      readAt: read.revision ?? '',
    })
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    // What was committed is what the form shows; the next answer takes its place.
    if (made.kind === 'done') setRead({ ...read, ...asRead(draft, read), revision: made.change.revision })
    if (made.kind === 'theirs') begin(settings)
  }

  const shared = { draft, put, problems, locked }
  return (
    <>
      <PageHead
        title="Settings"
        about={
          <>
            For the whole installation, in <code>waybill.yaml</code>.{' '}
            <Anchor component={Link} to="/docs/configuration#waybillyaml" inherit>
              What each means
            </Anchor>
          </>
        }
      >
        {!locked && (
          <>
            <Button variant="default" disabled={!dirty} onClick={() => begin(settings)}>
              Discard
            </Button>
            <Button disabled={!dirty} loading={checking} onClick={() => void save()}>
              Review changes
            </Button>
          </>
        )}
      </PageHead>
      <Unsaved dirty={dirty} />
      <Stack gap="lg" maw={860}>
        {locked && <Alert>You may look at the settings; changing them takes the permission settings:write.</Alert>}
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
            disabled={locked}
          />
        </Section>
        <RetentionFields {...shared} />
        <WebhookFields {...shared} />
        <ReviewFields {...shared} />
        <JournalFields {...shared} />
        <Group gap="xs">
          <SetBy path="waybill.yaml" field="format" label="Format" /> The file as a whole:{' '}
          <Anchor component={Link} to="/changes?path=waybill.yaml" size="sm">
            its history
          </Anchor>
        </Group>
      </Stack>
    </>
  )
}

/** The draft in the shape of what is read. */
function asRead(draft: Draft, read: Settings): Partial<Settings> {
  return {
    timeouts: draft.timeouts,
    limits: draft.limits,
    retention: { ...read.retention, ...draft.retention },
    review: draft.review,
    journalFailure: draft.journalFailure,
    alertWebhooks: draft.webhooks.map(({ url, source, name, allowPrivateAddress }) => ({
      url,
      secret: { source, name },
      allowPrivateAddress,
    })),
  }
}
