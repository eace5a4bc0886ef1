import type { VirtualClock } from '@headgate/core/testing'
import { faultsOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import { toldBy } from './ban-words.ts'
import type { Machine } from './client-clock.ts'
import type { Driver } from './driver.ts'
import type { Attempt } from './log.ts'
import type { Network } from './network.ts'
import { usageIn } from './usage-in.ts'
import type { VirtualExchange } from './virtual-exchange.ts'
import type { Watch } from './watch.ts'

interface Setup {
  /** From which of the scenario's routes its requests leave. */
  readonly route: number
  readonly scenario: Scenario
  readonly life: number
  readonly isDead: () => boolean
  readonly clock: VirtualClock
  readonly machine: Machine
  readonly network: Network
  readonly exchange: VirtualExchange
  readonly driver: Driver
  readonly watch: Watch
}

/** Numbers of requests, apart for each life and route. */
const PER_LIFE = 1_000_000
const PER_ROUTE = 200_000
const TURNS_TO_READ = 4

/** The client's only way out: a fetch whose requests travel the network in virtual time. */
export class FakeFetch {
  readonly fetch: typeof globalThis.fetch
  readonly #setup: Setup
  #sent = 0

  constructor(setup: Setup) {
    this.#setup = setup
    this.fetch = (input, init) => this.#send(new Request(input, init), init?.signal ?? (input as Request).signal)
  }

  #send(request: Request, signal: AbortSignal | null | undefined): Promise<Response> {
    const { clock, machine, network, exchange, driver, watch, life, isDead, route, scenario } = this.#setup
    const ip = scenario.routes[route]?.ip as string
    // No closure below may hold the request: its signal outlives the world with all that listens to it.
    const { method, headers } = request
    const url = new URL(request.url)
    const sentAtMs = clock.nowMs()
    const number = life * PER_LIFE + route * PER_ROUTE + this.#sent++
    const attempt = watch.sends()
    if (attempt.labels['ip'] !== ip || !speaksOf(url, headers, attempt.labels))
      driver.books.mishap(`call ${attempt.call.id} sent another call's request`)
    // As of a real one nothing leaves.
    if (signal?.aborted) return Promise.reject(new DOMException('This operation was aborted', 'AbortError'))
    const fate = network.send(ip, number, sentAtMs)
    attempt.stuckFromMs = fate.stuckFromMs
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown) => {
        if (attempt.outcome !== 'open' || isDead()) return
        driver.books.over(attempt, 'lost', clock.nowMs())
        reject(error)
      }
      signal?.addEventListener('abort', () => giveUp(new DOMException('This operation was aborted', 'AbortError')), {
        once: true,
      })
      if (fate.breaksAfterMs < Number.POSITIVE_INFINITY) {
        const brokenAtMs = machine.awakeAt(sentAtMs + fate.breaksAfterMs)
        clock.setTimer(
          () =>
            giveUp(new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) })),
          brokenAtMs - sentAtMs,
        )
      }
      if (fate.arrivesAtMs === Number.POSITIVE_INFINITY) return
      clock.setTimer(() => {
        const arrivedAtMs = clock.nowMs()
        if (this.#isTooLate(attempt, arrivedAtMs)) return
        const {
          reply,
          verdict,
          succeeded,
          words,
          error,
          isCounted,
          epochMs: serverEpochMs,
        } = exchange.receive(url, method, headers, attempt, number)
        attempt.arrivedAtMs = arrivedAtMs
        attempt.verdict = verdict
        attempt.succeeded = succeeded
        attempt.errorCode = error?.code
        attempt.errorKind = error?.kind
        if (isCounted) attempt.errorAtMs = arrivedAtMs
        attempt.isBanUnread = verdict === 'banned' && words === undefined
        if (fate.backMs === Number.POSITIVE_INFINITY || attempt.outcome !== 'open' || typeof reply === 'string') return
        const answerAtMs = machine.awakeAt(network.passes(ip, -number, arrivedAtMs, arrivedAtMs + fate.backMs))
        clock.setTimer(() => {
          if (attempt.outcome !== 'open') return
          attempt.answeredAtMs = clock.nowMs()
          network.free(ip, clock.nowMs())
          if (error !== undefined) driver.books.failed(attempt, clock.nowMs())
          driver.books.over(attempt, 'answered', clock.nowMs())
          attempt.usage = usageIn(attempt.labels, reply.headers, scenario)
          const { status, headers, body } = reply
          attempt.saidTimeMs = Number(/"serverTime":(\d+)/.exec(body)?.[1])
          resolve(new Response(body, { status, headers }))
          if (words !== undefined) {
            const clientEpochMs = machine.epochMs()
            const wasSet = faultsOf(scenario, 'server-clock').some(({ atMs }) => atMs <= clock.nowMs())
            const clocks = { arrivedAtMs, serverEpochMs, answeredAtMs: attempt.answeredAtMs, clientEpochMs, wasSet }
            const whose = attempt.labels['uid'] === undefined ? 'ip' : 'uid'
            driver.books.told(attempt, ['exchange', whose, 'endpoint'], toldBy(words, clocks))
          }
          this.#turns(TURNS_TO_READ)
        }, answerAtMs - arrivedAtMs)
      }, fate.arrivesAtMs - sentAtMs)
    })
  }

  /** The body is read over some turns of the event loop, in which no time goes by. */
  #turns(left: number): void {
    if (left > 0) this.#setup.clock.setTimer(() => this.#turns(left - 1), 0)
  }

  #isTooLate(attempt: Attempt, nowMs: number): boolean {
    // What was given up before the light went out is under way for no longer than any other.
    const isHeld = attempt.stuckFromMs <= attempt.endedAtMs || Number.isNaN(attempt.endedAtMs)
    return !isHeld && nowMs > attempt.endedAtMs + 0.999 * this.#setup.scenario.lostCallMs
  }
}

/** Whether endpoint and key are those of these labels. */
function speaksOf(url: URL, headers: Headers, { endpoint, uid }: Labels): boolean {
  const key = headers.get('x-bx-apikey') ?? url.searchParams.get('api_key') ?? ''
  const command = url.searchParams.get('command')
  return (command ?? `GET ${url.pathname}`) === endpoint && /-of-(u\d+)-/.exec(key)?.[1] === uid
}
