import type { Scheduler } from '@headgate/core'
import type { Contender, Gate, Peer } from './peer.ts'

/** Every scheduler here begins with full buckets, as the others do. */
const MAX_QUEUED = 10_000_000

export const headgate: Peer = {
  name: 'Headgate',
  package: undefined,
  hasPriorities: true,
  async open(rules) {
    const { createScheduler, tokenBucket } = await import('@headgate/core')
    const scheduler = createScheduler({
      limits: rules.map(rule => tokenBucket(rule)),
      coldStart: 'full',
      maxQueued: MAX_QUEUED,
    })
    const contender: Contender = {
      gate(labels): Gate {
        const request = { labels, retries: 0 }
        return (task, priority) => scheduler.schedule(priority === undefined ? request : { ...request, priority }, task)
      },
      keys: () => scheduler.snapshot().buckets.length,
      counters: () => scheduler.snapshot().counters,
    }
    const poll = pollerOf(scheduler)
    if (poll !== undefined) {
      contender.poll = async (labels, { everyMs, task, signal }) => {
        for await (const reading of poll({ labels, retries: 0 }, task, { everyMs, signal })) {
          if (!reading.ok && signal.aborted) return
        }
      }
    }
    return contender
  },
}

type Poll = (
  request: object,
  task: unknown,
  options: { everyMs: number; signal: AbortSignal },
) => AsyncIterable<{ ok: boolean }>

/** Schedulers before `poll` have none. */
function pollerOf(scheduler: Scheduler): Poll | undefined {
  const { poll } = scheduler as { poll?: Poll }
  return poll?.bind(scheduler)
}
