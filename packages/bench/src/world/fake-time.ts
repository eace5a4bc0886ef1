import { type Clock as Faked, install } from '@sinonjs/fake-timers'

/** The host's clocks and timers, standing still until told to go on: for limiters that take no clock. */
export interface FakeTime extends Disposable {
  nowMs(): number
  sleep(delayMs: number): Promise<void>
  /** One timer at a time, and all that promises do between two of them, as Node does it. */
  advance(byMs: number): Promise<void>
}

/** To be installed before a limiter is imported: some take hold of the clock when they are loaded. */
export function fakeTime(): FakeTime {
  // One turn of the real event loop: every promise reaction has run after it.
  const turn = () => new Promise<void>(resolve => void setImmediate(resolve))
  const clock: Faked = install({
    now: Date.UTC(2026, 0, 1),
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  return {
    nowMs: () => performance.now(),
    sleep: delayMs => new Promise(resolve => void setTimeout(resolve, delayMs)),
    async advance(byMs) {
      let isOver = false
      setTimeout(() => {
        isOver = true
      }, byMs)
      await turn()
      while (!isOver) {
        clock.next()
        await turn()
      }
    },
    [Symbol.dispose]: () => clock.uninstall(),
  }
}
