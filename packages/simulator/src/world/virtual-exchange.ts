import type { VirtualClock } from '@headgate/core/testing'
import { type Answer, type Desk, type ExchangeName, openDesk, type Reply } from '@headgate/exchange-sim'
import { draw } from '../draw.ts'
import { carries, type FaultOf, faultsOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import { type BanWords, banWordsOf } from './ban-words.ts'
import { type ErrorWords, errorWordsOf, MESSAGES } from './error-words.ts'
import type { Attempt, RunLog } from './log.ts'
import { ServerClock } from './server-clock.ts'

export type Keys = ReadonlyMap<string, { readonly apiKey: string; readonly secretKey: string }>

export function keysOf(scenario: Scenario): Keys {
  const { loads, pollers = [] } = scenario
  const uids = new Set([...loads, ...pollers].flatMap(({ labels }) => labels['uid'] ?? []))
  const key = (of: string) =>
    `${of}-${Math.floor(draw(scenario.seed, of.length, of.charCodeAt(of.length - 1)) * 2 ** 32).toString(36)}xyz`
  return new Map([...uids].map(uid => [uid, { apiKey: key(`key-of-${uid}`), secretKey: key(`secret-of-the-${uid}`) }]))
}

const SALT = 31
const FAILING = 33
const FOREIGN_KEY = 'foreign-key-of-'

export interface Judged {
  readonly reply: Reply
  readonly verdict: 'accepted' | 'refused' | 'banned' | 'none'
  readonly succeeded: boolean
  /** Undefined: it said nothing of a time. */
  readonly words: BanWords | undefined
  /** What the client can read of an error; undefined: no error, or no words. */
  readonly error: ErrorWords | undefined
  /** It is what the exchange itself found wrong, and counted. */
  readonly isCounted: boolean
  /** The server's time of day when it answered. */
  readonly epochMs: number
}

/** The exchange simulator, with a clock that may be wrong and a mouth that may lie. */
export class VirtualExchange {
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  readonly #log: RunLog
  readonly #serverClock: ServerClock
  readonly #desk: Desk
  readonly #failing: readonly FaultOf<'failing' | 'key-wrong'>[]
  readonly #lies: readonly FaultOf<'lies' | 'error'>[]

  constructor(scenario: Scenario, clock: VirtualClock, log: RunLog, keys: Keys) {
    this.#scenario = scenario
    this.#clock = clock
    this.#log = log
    this.#lies = faultsOf(scenario, 'lies', 'error')
    this.#failing = faultsOf(scenario, 'key-wrong', 'failing')
    const accounts = [...keys].flatMap(([uid, own]) => [
      { uid, ...own },
      { uid, apiKey: FOREIGN_KEY + uid, secretKey: 'unknown-to-all' },
    ])
    this.#serverClock = new ServerClock(scenario, clock)
    this.#desk = openDesk({ clock: this.#serverClock, accounts, logSize: 1, seed: scenario.seed, ...scenario.looks })
    for (const { atMs, forMs, labels } of faultsOf(scenario, 'ban')) {
      const { exchange, uid, ip, endpoint = '' } = labels
      const whom = uid === undefined ? { ip: ip as string } : { uid }
      const wording = draw(scenario.seed, SALT, atMs) < 0.5 ? 'error-count' : 'disabled-period'
      clock.setTimer(() => {
        this.#desk.ban({ exchange: exchange as ExchangeName, ...whom, endpoint, forMs: Math.max(1, forMs), wording })
      }, atMs)
    }
  }

  /** A request arrives. */
  receive(url: URL, method: string, headers: Headers, attempt: Attempt, number: number): Judged {
    const exchange = attempt.labels['exchange'] as ExchangeName
    const epochMs = this.#serverClock.epochMs()
    const heal = this.#provoke(exchange, attempt, number)
    const reply = this.#desk.receive(exchange, {
      method,
      path: url.pathname,
      query: url.search.slice(1),
      ip: attempt.labels['ip'] as string,
      header: name => headers.get(name) ?? undefined,
    })
    heal?.()
    const outcome = this.#desk.log()[0]?.outcome
    const verdict = outcome === 'into-ban' ? 'banned' : outcome === 'refused' ? 'refused' : 'accepted'
    this.#log.arrivals.push({ atMs: this.#clock.nowMs(), labels: attempt.labels, cost: 1, verdict, attempt })
    const nothing = { words: undefined, error: undefined, isCounted: false }
    if (typeof reply === 'string') return { reply, verdict, succeeded: false, epochMs, ...nothing }
    const said = this.#distort(reply, url, number)
    const succeeded = outcome === 'accepted' && said === reply
    const isCounted = outcome === 'failed' && said.body === reply.body
    // A refusal, too, may come back as the word of a busy server.
    const error = verdict === 'accepted' || said.body !== reply.body ? errorWordsOf(exchange, said.body) : undefined
    return { reply: said, verdict, succeeded, words: banWordsOf(said.body), error, isCounted, epochMs }
  }

  /** Lets this one call meet with an error, if it is to. @returns what ends that */
  #provoke(exchange: ExchangeName, { labels }: Attempt, number: number): (() => void) | undefined {
    const nowMs = this.#clock.nowMs()
    const fault = this.#failing.find(each => {
      if (nowMs < each.atMs || nowMs >= each.atMs + each.forMs) return false
      if (each.kind === 'key-wrong') return labels['uid'] === each.uid
      return carries(labels, each.labels) && draw(this.#scenario.seed, FAILING, number) < each.share
    })
    if (fault === undefined) return undefined
    this.#log.injected.set(fault.kind, (this.#log.injected.get(fault.kind) ?? 0) + 1)
    const codes = fault.kind === 'key-wrong' ? [fault.code] : fault.codes
    const code = codes[Math.floor(draw(this.#scenario.seed, FAILING, number, 1) * codes.length)] as string
    const { uid, ip } = labels
    const whom = uid === undefined ? { ip: ip as string } : { uid }
    return this.#desk.fault({ exchange, ...whom, reply: { code: Number(code), msg: MESSAGES[code] ?? 'failed' } })
  }

  /** Somebody else with a key to the same account. The desk counts before it looks at signatures. */
  foreign(labels: Labels): void {
    const { exchange = '', endpoint = '', uid = '' } = labels
    const isBingx = exchange === 'bingx'
    this.#desk.receive(exchange as ExchangeName, {
      method: isBingx ? 'GET' : 'POST',
      path: isBingx ? (endpoint.split(' ')[1] as string) : '/api/v1/private',
      query: isBingx ? '' : `command=${endpoint}&api_key=${FOREIGN_KEY}${uid}`,
      ip: 'elsewhere',
      header: name => (name === 'x-bx-apikey' ? FOREIGN_KEY + uid : undefined),
    })
    const outcome = this.#desk.log()[0]?.outcome
    const verdict = outcome === 'into-ban' ? 'banned' : outcome === 'refused' ? 'refused' : 'accepted'
    this.#log.arrivals.push({
      atMs: this.#clock.nowMs(),
      labels: { ...labels, ip: 'elsewhere' },
      cost: 1,
      verdict,
      attempt: undefined,
    })
  }

  #distort(reply: Answer, url: URL, number: number): Answer {
    const nowMs = this.#clock.nowMs()
    for (const { kind, atMs, forMs, share } of this.#lies) {
      if (nowMs < atMs || nowMs >= atMs + forMs || draw(this.#scenario.seed, SALT, number) >= share) continue
      this.#log.injected.set(kind, (this.#log.injected.get(kind) ?? 0) + 1)
      if (kind === 'error') return { ...reply, body: '{"code":100500,"msg":"The current system is busy"}' }
      return lie(reply, url, draw(this.#scenario.seed, SALT, number, 1))
    }
    return reply
  }
}

/** Headers that contradict the window, none at all, no time in the body, pages of edge servers, and an echo of the query. */
function lie(reply: Answer, url: URL, luck: number): Answer {
  const { headers, body } = reply
  if (luck < 0.25)
    return {
      ...reply,
      headers: { ...headers, 'x-ratelimit-requests-remain': '9999', 'x-ratelimit-requests-expire': '-1' },
    }
  if (luck < 0.4) return { ...reply, headers: {} }
  if (luck < 0.6) return { ...reply, body: body.replace(/"timestamp":\d+,?/, '') }
  if (luck < 0.75) return { ...reply, status: 502, body: '<html><body>502 Bad Gateway</body></html>' }
  if (luck < 0.9) return { ...reply, body: body.slice(0, body.length / 2) }
  return { ...reply, body: JSON.stringify({ code: 100412, msg: `Signature missing in ${url.href}`, data: {} }) }
}
