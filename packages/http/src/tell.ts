import type { Observer, SchedulerEvent } from '@headgate/core'

/** What an observer throws may neither lose a call nor vanish. */
export function tell(observer: Observer | undefined, event: SchedulerEvent): void {
  try {
    observer?.(event)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
