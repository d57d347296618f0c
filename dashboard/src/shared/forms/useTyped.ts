/** Text that is typed into a field and kept elsewhere: every key shows at once, and the place is told when typing rests. */
import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'

const TYPING_MS = 200

/** An address follows what is typed with a delay: a field that showed the address would lose keys. */
export function useTyped(kept: string, keep: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(kept)
  const [seen, setSeen] = useState(kept)
  const [told, setTold] = useState(kept)
  const tell = useDebouncedCallback((text: string) => {
    setTold(text)
    keep(text)
  }, TYPING_MS)

  // Kept otherwise since, by a link for example: that is shown. What was told from here is shown already.
  if (seen !== kept) {
    setSeen(kept)
    if (kept !== told) setTyped(kept)
  }

  return [
    typed,
    (text) => {
      setTyped(text)
      tell(text)
    },
  ]
}
