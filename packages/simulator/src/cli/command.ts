import type { Job } from './pool.ts'

/** What replays a seed, ready to be copied from a log. */
export function commandOf({ seed, kind, minutes }: Job): string {
  return `npx pnpm@12 simulate --seed ${seed} --kind ${kind} --minutes ${minutes}`
}
