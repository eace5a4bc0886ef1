import type { Kept, Memory } from '@headgate/core'

/** A memory that outlives every life of the client: the text of what the last one saved. */
export class Remembering {
  #text: string | undefined

  /** What a life that is over still wants to save never gets anywhere. */
  memoryOf(isDead: () => boolean): Memory {
    return {
      open: () => ({
        ...(this.#text !== undefined && { kept: JSON.parse(this.#text) as Kept }),
        save: kept => {
          if (!isDead()) this.#text = JSON.stringify(kept)
        },
      }),
    }
  }
}
