/** Dragging, by pointer and by keyboard, and what a screen reader is told of it. */
import {
  KeyboardSensor,
  PointerSensor,
  useSensor,
  useSensors,
  type Announcements,
  type UniqueIdentifier,
} from '@dnd-kit/core'
import { sortableKeyboardCoordinates } from '@dnd-kit/sortable'

const CLICK_PX = 4

export function useDragSensors() {
  return useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: CLICK_PX } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  )
}

/** The words for each step, by a function from an item's id to its name. */
export function announcements(
  name: (id: UniqueIdentifier) => string,
  place: (id: UniqueIdentifier) => number,
): Announcements {
  const at = (over: { id: UniqueIdentifier } | null): string =>
    over ? (place(over.id) >= 0 ? `position ${place(over.id)}` : 'the list') : 'no place'
  return {
    onDragStart: ({ active }) =>
      `Picked up ${name(active.id)}. Move it with the arrow keys, drop it with space, escape leaves it.`,
    onDragOver: ({ active, over }) => `${name(active.id)} is over ${at(over)}.`,
    onDragEnd: ({ active, over }) => `${name(active.id)} was dropped at ${at(over)}.`,
    onDragCancel: ({ active }) => `${name(active.id)} stays where it was.`,
  }
}
