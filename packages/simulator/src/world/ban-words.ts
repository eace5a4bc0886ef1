/** The two wordings of a disabled period that name a time, and the answer's own time beside them. */
const UNTIL = /(?:unblocked after|retry after time:) (\d{13})/
const TIMESTAMP = /"timestamp":(\d{13})/
/** "bounded in time": a client may cut what it reads to 15 minutes (facts: disabled periods last about five). */
const LONGEST_MS = 15 * 60_000

/** What a client could read. */
export interface BanWords {
  readonly untilEpochMs: number
  /** The time that the answer says it was written at; undefined: none. */
  readonly timestampMs: number | undefined
}

/** Undefined: no ban, or nothing that names a time. */
export function banWordsOf(body: string): BanWords | undefined {
  const until = UNTIL.exec(body)?.[1]
  if (until === undefined || !isJson(body)) return undefined
  const timestamp = TIMESTAMP.exec(body)?.[1]
  return { untilEpochMs: Number(until), timestampMs: timestamp === undefined ? undefined : Number(timestamp) }
}

/** What a client that was told so has to keep to, and what it may. */
export interface Told {
  /** Nothing goes before. */
  readonly untilMs: number
  /** Who holds on for longer wastes quota. */
  readonly latestMs: number
}

export interface Clocks {
  readonly arrivedAtMs: number
  /** The server's time of day when it answered. */
  readonly serverEpochMs: number
  readonly answeredAtMs: number
  /** The client's time of day when it read the answer. */
  readonly clientEpochMs: number
  /** Somebody has set the server's clock: what a client learned of it may be of before. */
  readonly wasSet: boolean
}

/**
 * A time beside the answer's own is read against that, whatever anybody's clock shows. Without it a client has nothing but
 * its idea of the server's clock: its own, or, if it has learned it from other answers, the server's. It may keep to the
 * shorter of what these say.
 */
export function toldBy({ untilEpochMs, timestampMs }: BanWords, clocks: Clocks): Told {
  const { arrivedAtMs, serverEpochMs, answeredAtMs, clientEpochMs, wasSet } = clocks
  const from = (epochMs: number) => Math.min(Math.max(0, untilEpochMs - epochMs), LONGEST_MS)
  if (timestampMs !== undefined) {
    const forMs = from(timestampMs)
    return { untilMs: arrivedAtMs + forMs, latestMs: answeredAtMs + forMs }
  }
  const bare = from(clientEpochMs)
  const learned = from(serverEpochMs)
  if (wasSet) return { untilMs: answeredAtMs, latestMs: answeredAtMs + LONGEST_MS }
  return {
    untilMs: Math.min(answeredAtMs + bare, arrivedAtMs + learned),
    latestMs: answeredAtMs + Math.max(bare, learned),
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
