/** A chat over the relay: the same request that an application would send, with the project's token. No React. */
import { FROM_HERE } from '../../api/client'
import type { Json } from '../../api/graphql'
import { fetchAsOwner } from '../../api/session'
import { eventData } from './events'

export interface Message {
  role: 'user' | 'assistant'
  text: string
  /** As a data: address. */
  image?: string
}

export interface Reply {
  /** Whether it is kept: of a token that is refused only the number of times is. */
  recorded: boolean
  traceId: string | null
  model: string | null
  revision: string | null
}

export interface Asked {
  token: string
  /** Whose token it must be; null where nobody said. */
  project: string | null
  model: string
  messages: readonly Message[]
  maxTokens: number | null
  signal: AbortSignal
  /** The answer's headers: before its first text. */
  onReply: (reply: Reply) => void
  onText: (text: string) => void
}

/** Stream an answer. Throws an Error with what went wrong in words; an aborted one ends it quietly. */
export async function chat(asked: Asked): Promise<void> {
  const { token, project, model, messages, maxTokens, signal, onReply, onText } = asked
  const response = await fetchAsOwner(`/relay${project ? `/projects/${project}` : ''}/v1/chat/completions`, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', ...FROM_HERE, 'x-api-key': token },
    body: JSON.stringify({
      model,
      messages: messages.map(wire),
      stream: true,
      ...(maxTokens && { max_completion_tokens: maxTokens }),
    }),
    signal,
  })
  onReply({
    recorded: response.status !== 401,
    traceId: response.headers.get('x-waybill-trace-id'),
    model: response.headers.get('x-waybill-model'),
    revision: response.headers.get('x-waybill-revision'),
  })
  if (!response.ok || !response.body) throw new Error(await refusalOf(response))
  for await (const data of eventData(response.body)) {
    if (data === '[DONE]') return
    const event = JSON.parse(data) as ChatEvent
    if (event.error) throw new Error(event.error.message ?? 'The answer broke off.')
    const text = event.choices?.[0]?.delta?.content
    if (text) onText(text)
  }
}

interface ChatEvent {
  choices?: { delta?: { content?: string | null } }[]
  error?: { message?: string }
}

function wire({ role, text, image }: Message): Json {
  if (!image) return { role, content: text }
  return {
    role,
    content: [
      { type: 'text', text },
      { type: 'image_url', image_url: { url: image } },
    ],
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const { error } = JSON.parse(text) as ChatEvent
    if (error?.message) return `${response.status}: ${error.message}`
  } catch {
    // No JSON: what was sent is said as it is.
  }
  return `${response.status}: ${text.slice(0, 500) || response.statusText}`
}
