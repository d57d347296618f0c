import { describe, expect, it } from 'vitest'
import { eventData } from './events'

function stream(...parts: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
}

describe('server-sent events', () => {
  it.each([
    ['each event by itself', ['data: 1\n\ndata: 2\n\n'], ['1', '2']],
    ['an event cut anywhere is put together', ['da', 'ta: {"a', '":1}\n', '\n'], ['{"a":1}']],
    ['comments and names of events are no data', [': keep-alive\n\nevent: x\ndata: 1\n\n'], ['1']],
    ['lines may end as on Windows', ['data: 1\r\n\r\n'], ['1']],
  ])('%s', async (_, parts, expected) => {
    const found: string[] = []
    for await (const data of eventData(stream(...parts))) found.push(data)
    expect(found).toEqual(expected)
  })
})
