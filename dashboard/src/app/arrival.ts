/** Where the keyboard and a screen reader are after a way to another page: at its content, and its top is seen. */
import { useEffect, useRef } from 'react'
import { NavigationType, useLocation, useNavigationType } from 'react-router'

export const CONTENT = 'content'

export function useArrival(): void {
  const { pathname } = useLocation()
  const way = useNavigationType()
  const here = useRef(pathname)
  useEffect(() => {
    if (here.current === pathname) return
    here.current = pathname
    // Tabs of one page have addresses too: whoever walks along them stays on them.
    if (document.activeElement?.getAttribute('role') === 'tab') return
    document.getElementById(CONTENT)?.focus({ preventScroll: true })
    // On the way back the browser itself returns to where one was.
    if (way !== NavigationType.Pop) window.scrollTo(0, 0)
  }, [pathname, way])
}
