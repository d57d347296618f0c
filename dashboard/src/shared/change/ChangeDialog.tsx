/** The dialog of every change: the difference first, then the reason, then the commit; a collision shows both versions. */
import { Alert, Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useState } from 'react'
import { ConflictView } from './ConflictView'
import { Diff } from './Diff'
import type { Stage } from './dialog'

interface Props {
  stage: Stage
  onCommit: (reason: string) => void
  onTheirs: () => void
  onMineAgain: () => void
  onClose: () => void
}

export function ChangeDialog({ stage, onCommit, onTheirs, onMineAgain, onClose }: Props) {
  const open = stage.at !== 'closed' && stage.at !== 'checking'
  const title = open
    ? stage.at === 'conflict'
      ? `${stage.request.title}: somebody was faster`
      : stage.request.title
    : ''
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title={title}
      size={stage.at === 'conflict' ? '85rem' : 'xl'}
      closeOnClickOutside={false}
      // Over the form that asked for the change, which may be a dialog itself.
      zIndex={300}
    >
      {(stage.at === 'review' || stage.at === 'committing') && (
        <Review key={stage.on} stage={stage} onCommit={onCommit} onClose={onClose} />
      )}
      {stage.at === 'conflict' && (
        <Stack>
          <ConflictView conflict={stage.conflict} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onTheirs} data-autofocus>
              Take theirs
            </Button>
            <Button onClick={onMineAgain} disabled={!stage.conflict.headRevision}>
              Apply mine again on the newest
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  )
}

type ReviewStage = Extract<Stage, { at: 'review' | 'committing' }>

function Review({ stage, onCommit, onClose }: { stage: ReviewStage } & Pick<Props, 'onCommit' | 'onClose'>) {
  const [reason, setReason] = useState('')
  const [asked, setAsked] = useState(false)
  const { request, preview } = stage
  const nothing = preview.changedFiles.length === 0
  const missing = asked && !reason.trim() && 'Say why: it becomes the commit’s message, and others will read it.'

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        setAsked(true)
        if (reason.trim()) onCommit(reason.trim())
      }}
    >
      <Stack>
        {request.warning && <Alert color={request.danger ? 'red' : 'yellow'}>{request.warning}</Alert>}
        <Diff files={preview.diff} />
        {!nothing && (
          <Textarea
            label="Reason"
            description="Becomes the commit’s message"
            data-autofocus
            withAsterisk
            autosize
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit()
            }}
            error={missing}
          />
        )}
        {stage.at === 'review' && stage.problem && (
          <Alert color="red" role="alert">
            {stage.problem}
          </Alert>
        )}
        <Group justify="flex-end">
          {stage.at === 'committing' && (
            <Text size="sm" c="dimmed" role="status">
              Committing…
            </Text>
          )}
          <Button variant="default" onClick={onClose}>
            {nothing ? 'Close' : 'Back'}
          </Button>
          {!nothing && (
            <Button type="submit" color={request.danger ? 'red' : undefined} loading={stage.at === 'committing'}>
              {request.action ?? 'Commit'}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  )
}
