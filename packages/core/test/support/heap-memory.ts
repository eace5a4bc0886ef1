import type { Kept, Memory } from '@headgate/core'

/** A memory for tests: what one scheduler kept the next one knows, whatever became of the first. */
export interface HeapMemory extends Memory {
  /** Everything that was ever saved, in order. */
  readonly saves: Kept[]
  kept: Kept | undefined
  /** Thrown by every save from now on, if set. */
  trouble: Error | undefined
  warning: string | undefined
}

export function heapMemory(kept?: Kept): HeapMemory {
  const memory: HeapMemory = {
    saves: [],
    kept,
    trouble: undefined,
    warning: undefined,
    open: () => ({
      ...(memory.kept && { kept: memory.kept }),
      ...(memory.warning !== undefined && { warning: memory.warning }),
      save(now) {
        if (memory.trouble !== undefined) throw memory.trouble
        // As a file would: no object is shared between lives.
        memory.kept = JSON.parse(JSON.stringify(now)) as Kept
        memory.saves.push(memory.kept)
      },
    }),
  }
  return memory
}
