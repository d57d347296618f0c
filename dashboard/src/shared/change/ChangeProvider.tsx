/** Carries changes out, one at a time: dry run, dialog, commit. `useChange()` is how a page asks for one. */
import { notifications } from '@mantine/notifications'
import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react'
import { useClient } from 'urql'
import { configurationChanged } from '../configuration'
import { shortRevision } from '../formats'
import { ChangeDialog } from './ChangeDialog'
import type { AnyRequest, Stage } from './dialog'
import { attempt, newKey, type ChangeRequest, type Outcome, type Tried } from './request'

interface Changes {
  /** Check the change, show what it does, ask why, commit. Resolves when the person is through with it. */
  change: <Data, Input>(request: ChangeRequest<Data, Input>) => Promise<Outcome<Data>>
  /** Whether one is being checked: for the button that asked. */
  checking: boolean
}

const ChangeContext = createContext<Changes | null>(null)

export function useChange(): Changes {
  const changes = useContext(ChangeContext)
  if (!changes) throw new Error('useChange needs a ChangeProvider around it')
  return changes
}

const PREVIEW = 'Preview'

export function ChangeProvider({ children }: { children: ReactNode }) {
  const client = useClient()
  const [stage, setStage] = useState<Stage>({ at: 'closed' })
  const settle = useRef<(outcome: Outcome<unknown>) => void>(() => undefined)
  // One key for one wish: kept while nobody knows whether it was carried out.
  const open = useRef<{ wish: string; key: string } | null>(null)

  const finish = useCallback((outcome: Outcome<unknown>) => {
    setStage({ at: 'closed' })
    settle.current(outcome)
  }, [])

  const check = useCallback(
    async (request: AnyRequest, on: string) => {
      setStage({ at: 'checking', request })
      const tried = await attempt(client, request, {
        expectedRevision: on,
        reason: PREVIEW,
        dryRun: true,
        idempotencyKey: null,
      })
      if (tried.kind === 'done') return setStage({ at: 'review', request, on, preview: tried.change })
      if (tried.kind === 'conflict') return setStage({ at: 'conflict', request, conflict: tried.conflict })
      if (tried.kind === 'unreached') return finish({ kind: 'refused', message: tried.message })
      finish(tried)
    },
    [client, finish],
  )

  const change = useCallback(
    <Data, Input>(request: ChangeRequest<Data, Input>) => {
      // A change that was asked for while another one is open takes its place.
      settle.current({ kind: 'cancelled' })
      return new Promise<Outcome<Data>>((resolve) => {
        settle.current = resolve as (outcome: Outcome<unknown>) => void
        void check(request as unknown as AnyRequest, request.readAt)
      })
    },
    [check],
  )

  async function commit(reason: string): Promise<void> {
    if (stage.at !== 'review') return
    const { request, on, preview } = stage
    setStage({ at: 'committing', request, on, preview })
    const wish = JSON.stringify([on, reason, request.input])
    if (open.current?.wish !== wish) open.current = { wish, key: newKey() }
    const how = { expectedRevision: on, reason, dryRun: false, idempotencyKey: open.current.key }
    const tried: Tried<unknown> = await attempt(client, request, how)
    if (tried.kind === 'unreached') return setStage({ at: 'review', request, on, preview, problem: tried.message })
    open.current = null
    if (tried.kind === 'conflict') return setStage({ at: 'conflict', request, conflict: tried.conflict })
    if (tried.kind === 'refused') return setStage({ at: 'review', request, on, preview, problem: tried.message })
    if (tried.kind === 'done') said(request.title, tried.change.revision, tried.change.pendingProxies)
    finish(tried)
    configurationChanged()
  }

  function mineAgain(): void {
    if (stage.at === 'conflict' && stage.conflict.headRevision) void check(stage.request, stage.conflict.headRevision)
  }

  function theirs(): void {
    finish({ kind: 'theirs' })
    configurationChanged()
  }

  const changes = useMemo(() => ({ change, checking: stage.at === 'checking' }), [change, stage.at])
  return (
    <ChangeContext value={changes}>
      {children}
      <ChangeDialog
        stage={stage}
        onCommit={(reason) => void commit(reason)}
        onTheirs={theirs}
        onMineAgain={mineAgain}
        onClose={() => finish({ kind: 'cancelled' })}
      />
    </ChangeContext>
  )
}

function said(title: string, revision: string, pending: readonly string[]): void {
  const waiting = pending.length ? ` Not running it yet: ${pending.join(', ')}.` : ' Every connected proxy runs it.'
  notifications.show({ color: 'green', title, message: `Committed as ${shortRevision(revision)}.${waiting}` })
}
