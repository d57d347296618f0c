/** `g` and a letter goes to a page, `/` to the page's search: nothing happens while somebody types. */
import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import type { Place } from './navigation'

const CHORD_MS = 1_000

export function useKeyboardWays(places: readonly Place[]): void {
  const navigate = useNavigate()
  useEffect(() => {
    let pressedAt = -Infinity
    function pressed(event: KeyboardEvent): void {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (event.key === 'g') {
        pressedAt = event.timeStamp
        return
      }
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('input[type="search"]')
        if (search) {
          event.preventDefault()
          search.focus()
        }
      }
      const place = places.find(({ key }) => key === event.key)
      if (place && event.timeStamp - pressedAt < CHORD_MS) void navigate(place.path)
      pressedAt = -Infinity
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [navigate, places])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
    !!target.closest('[role="dialog"]')
  )
}
