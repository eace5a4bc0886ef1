import type { Labels } from '@headgate/core'
import type { Contender, Task } from './peers/peer.ts'
import type { FakeTime } from './world/fake-time.ts'

/** Reads every `everyMs`, start to start, one call outstanding: the limiter's own way where it has one, else a loop. */
export async function polling(
  contender: Contender,
  labels: Labels,
  task: Task<void>,
  { everyMs, signal, time }: { everyMs: number; signal: AbortSignal; time: FakeTime },
): Promise<void> {
  if (contender.poll !== undefined) return contender.poll(labels, { everyMs, task, signal })
  const gate = contender.gate(labels)
  while (!signal.aborted) {
    const dueAtMs = time.nowMs() + everyMs
    await gate(task).catch(() => undefined)
    await time.sleep(Math.max(0, dueAtMs - time.nowMs()))
  }
}
