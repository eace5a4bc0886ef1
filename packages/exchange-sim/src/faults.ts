import type { ExchangeName, IdentifiedCall } from './dialect.ts'
import type { Random } from './random.ts'

/** What a fault does instead of answering. */
export type FaultReply =
  /** Cuts the connection. */
  | 'drop'
  /** Never answers; the connection stays until one side closes it. */
  | 'hang'
  /**
   * Answers otherwise. With `code` the exchange's own envelope is sent (and the error-count rules count the code); with
   * `body` exactly that text, as HTML unless `headers` say otherwise; with neither the exchange's own answer, altered.
   */
  | AlteredAnswer

export interface AlteredAnswer {
  /** HTTP status. Default 200 with `code`, 502 with `body`. */
  status?: number
  code?: number | string
  /** Default `''`. */
  msg?: string
  body?: string
  /** Beside or instead of the answer's own. */
  headers?: Record<string, string>
  /** Spaces behind the body until it has so many bytes, at most 64 MiB: JSON stays JSON, but large. */
  padToBytes?: number
  /**
   * Half of the body. `silent`: as if it were the whole. `cut`: the whole is promised, and the connection breaks after
   * half of it.
   */
  half?: 'silent' | 'cut'
}

/** A fault for chosen calls. A call has to fit all that is given; with nothing given every call fits. */
export interface Fault {
  exchange?: ExchangeName
  /** BingX: `'GET /openApi/…'` or only the path of a GET. CoinW: the command. */
  endpoint?: string
  uid?: string
  ip?: string
  /** How many calls it befalls. Default 1; `Infinity` until it is healed. */
  times?: number
  /**
   * True (default): befalls only calls that bans and limits have let in, after they were counted. False: befalls the
   * call before anyone looks at it, as a broken edge server or a lost request does; nothing is counted.
   */
  counted?: boolean
  reply: FaultReply
}

/** Shares of all calls, 0 to 1, that meet with an accident; together at most 1. Which ones the seed decides. */
export interface RandomFaults {
  /** Connection cut before the call was counted. */
  lostRequests?: number
  /** Connection cut after the call was counted: the caller cannot know. */
  lostAnswers?: number
  /** Counted, and never answered. */
  unanswered?: number
  /** HTML page of an edge server with status 502; not counted. */
  htmlPages?: number
  /** HTML page with status 504, after the call was counted: the outcome is unknown. */
  gatewayTimeouts?: number
  /** Counted; half of the answer's body, as if it were the whole. */
  halfBodies?: number
  /** Counted; the connection breaks in the middle of the answer's body. */
  cutBodies?: number
}

/** A fault that has found its call. `spend` is called when it is carried out: a refused call uses up none. */
interface FoundFault {
  readonly counted: boolean
  readonly reply: FaultReply
  spend(): void
}

export interface Faults {
  /** Returns a function that ends the fault before its time. */
  add(fault: Fault): () => void
  find(call: IdentifiedCall): FoundFault | undefined
}

const htmlPage: FaultReply = { status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>' }
const timeoutPage: FaultReply = { status: 504, body: '<html><body><h1>504 Gateway Time-out</h1></body></html>' }

interface Waiting {
  readonly fault: Fault
  left: number
}

const nothing = (): void => undefined

/** `maxWaiting` bounds the faults that wait for their calls; one more is a RangeError. */
export function createFaults(shares: RandomFaults, random: Random, maxWaiting: number): Faults {
  const waiting: Waiting[] = []
  const accidents: readonly (readonly [share: number, counted: boolean, reply: FaultReply])[] = [
    [shares.lostRequests ?? 0, false, 'drop'],
    [shares.lostAnswers ?? 0, true, 'drop'],
    [shares.unanswered ?? 0, true, 'hang'],
    [shares.htmlPages ?? 0, false, htmlPage],
    [shares.gatewayTimeouts ?? 0, true, timeoutPage],
    [shares.halfBodies ?? 0, true, { half: 'silent' }],
    [shares.cutBodies ?? 0, true, { half: 'cut' }],
  ]

  function remove(entry: Waiting): void {
    const index = waiting.indexOf(entry)
    if (index >= 0) waiting.splice(index, 1)
  }

  function accident(): FoundFault | undefined {
    let draw = random()
    for (const [share, counted, reply] of accidents) {
      if (draw < share) return { counted, reply, spend: nothing }
      draw -= share
    }
    return undefined
  }

  return {
    add(fault) {
      if (waiting.length >= maxWaiting) throw new RangeError(`exchange.fault: at most ${maxWaiting} may wait`)
      const entry: Waiting = { fault, left: fault.times ?? 1 }
      waiting.push(entry)
      return () => remove(entry)
    },
    find(call) {
      // Drawn for every call, fitting fault or not: adding a fault by hand must not move the accidents of other calls.
      const drawn = accident()
      const entry = waiting.find(({ fault }) => fits(fault, call))
      if (entry === undefined) return drawn
      return {
        counted: entry.fault.counted ?? true,
        reply: entry.fault.reply,
        spend() {
          entry.left--
          if (entry.left <= 0) remove(entry)
        },
      }
    },
  }
}

function fits(fault: Fault, call: IdentifiedCall): boolean {
  return (
    (fault.exchange ?? call.exchange) === call.exchange &&
    (fault.endpoint ?? call.endpoint) === call.endpoint &&
    (fault.uid ?? call.uid) === call.uid &&
    (fault.ip ?? call.ip) === call.ip
  )
}
