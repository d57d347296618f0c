/** One conversation with one model: its messages, its answer as it streams, and how to stop it. */
import { useEffect, useRef, useState } from 'react'
import { chat, type Asked, type Message, type Reply } from './chat'

export interface Conversation {
  messages: readonly Message[]
  reply: Reply | null
  /** Time to the first text and to the end, in ms. */
  timing: { first: number | null; total: number | null } | null
  busy: boolean
  problem: string | null
  ask: (message: Message) => void
  stop: () => void
  clear: () => void
}

/** What each of its requests is sent with. */
type Sender = Pick<Asked, 'token' | 'project' | 'model' | 'maxTokens'>

export function useConversation({ token, project, model, maxTokens }: Sender): Conversation {
  const [messages, setMessages] = useState<readonly Message[]>([])
  const [reply, setReply] = useState<Reply | null>(null)
  const [timing, setTiming] = useState<Conversation['timing']>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const running = useRef<AbortController>(null)
  useEffect(() => () => running.current?.abort(), [])

  async function run(sent: readonly Message[]): Promise<void> {
    const controller = (running.current = new AbortController())
    const began = performance.now()
    let text = ''
    setBusy(true)
    setProblem(null)
    setReply(null)
    setTiming({ first: null, total: null })
    try {
      await chat({
        token,
        project,
        model: model.trim() || 'auto',
        messages: sent,
        maxTokens,
        signal: controller.signal,
        onReply: setReply,
        onText: (part) => {
          if (!text) setTiming({ first: performance.now() - began, total: null })
          text += part
          setMessages([...sent, { role: 'assistant', text }])
        },
      })
    } catch (error) {
      if (!controller.signal.aborted) setProblem(inWords(error))
    } finally {
      if (running.current === controller) {
        setBusy(false)
        setTiming((before) => ({ first: before?.first ?? null, total: performance.now() - began }))
      }
    }
  }

  return {
    messages,
    reply,
    timing,
    busy,
    problem,
    ask: (message) => {
      const sent = [...messages, message]
      setMessages(sent)
      void run(sent)
    },
    stop: () => running.current?.abort(),
    clear: () => {
      running.current?.abort()
      setMessages([])
      setReply(null)
      setTiming(null)
      setProblem(null)
    },
  }
}

function inWords(error: unknown): string {
  if (error instanceof TypeError) return 'Waybill did not answer. It may be restarting.'
  return error instanceof Error ? error.message : String(error)
}
