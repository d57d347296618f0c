/** A dialog that is open as long as it is there: it takes the focus, and gives it back to what opened it. */
import { Modal, type ModalProps } from '@mantine/core'
import { useEffect, useState } from 'react'

export function Dialog(props: Omit<ModalProps, 'opened'>) {
  const [opener] = useState(focused)
  useEffect(
    () => () => {
      if (opener?.isConnected) opener.focus()
    },
    [opener],
  )
  return <Modal opened {...props} />
}

/** What has the focus; of a menu, which closes, the button that it belongs to. */
function focused(): HTMLElement | null {
  const active = document.activeElement as HTMLElement | null
  const button = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby')
  return button ? document.getElementById(button) : active
}
