import { createHash, createHmac } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type Clock, type Exchange, type ExchangeOptions, startExchange } from '../src/index.ts'

/** A clock that stands still until a test moves it. */
export class HandClock implements Clock {
  now = 1000
  epoch = 1_760_000_000_000
  nowMs(): number {
    return this.now
  }
  epochMs(): number {
    return this.epoch
  }
  step(ms: number): void {
    this.now += ms
    this.epoch += ms
  }
}

export const alice = { uid: 'alice', apiKey: 'key-of-alice', secretKey: 'secret-of-alice' }
export const bob = { uid: 'bob', apiKey: 'key-of-bob', secretKey: 'secret-of-bob' }

export const swapBalance = '/openApi/swap/v3/user/balance'
export const spotBalance = '/openApi/spot/v1/account/balance'
export const allBalances = '/openApi/account/v1/allAccountBalance'
export const income = '/openApi/swap/v2/user/income'
export const serverTime = '/openApi/swap/v2/server/time'

/** An exchange on a hand-moved clock, with two accounts; closed when the test ends. */
export async function start(options: ExchangeOptions = {}): Promise<{ exchange: Exchange; clock: HandClock }> {
  const clock = new HandClock()
  const exchange = await startExchange({ clock, accounts: [alice, bob], ...options })
  onTestFinished(() => exchange.close())
  return { exchange, clock }
}

export interface Seen {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: bodies are whatever the exchange sends; the tests say what they expect.
  body: any
}

async function seen(url: string, init: RequestInit): Promise<Seen> {
  const response = await fetch(url, init)
  const text = await response.text()
  const json = response.headers.get('content-type') === 'application/json'
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
}

export interface BingxCall {
  path?: string
  method?: string
  account?: { apiKey: string; secretKey: string } | undefined
  params?: Record<string, string | number>
  /** Replaces the signed query. */
  query?: string
  ip?: string
}

/** A caller of its own: signs by its own few lines, so that the exchange's signing is not judged by itself. */
export function caller(exchange: Exchange, clock: Clock) {
  return {
    bingx({ path = swapBalance, method = 'GET', account = alice, params = {}, query, ip }: BingxCall = {}) {
      const plain = Object.entries({ timestamp: clock.epochMs(), ...params })
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([name, value]) => `${name}=${value}`)
        .join('&')
      const signature = createHmac('sha256', account.secretKey).update(plain).digest('hex')
      const headers: Record<string, string> = { 'X-BX-APIKEY': account.apiKey }
      if (ip !== undefined) headers['x-sim-ip'] = ip
      return seen(`${exchange.bingxUrl}${path}?${query ?? `${plain}&signature=${signature}`}`, { method, headers })
    },
    coinw({ command = 'returnBalances', account = alice, params = {}, ip, sign }: CoinwCall = {}) {
      const all = Object.entries({ ...params, api_key: account.apiKey }).sort(([a], [b]) => (a < b ? -1 : 1))
      const plain = all.map(([name, value]) => `${name}=${value}`).join('&')
      const digest = createHash('md5').update(`${plain}&secret_key=${account.secretKey}`).digest('hex').toUpperCase()
      const query = new URLSearchParams([['command', command], ...all, ['sign', sign ?? digest]])
      const headers: Record<string, string> = ip === undefined ? {} : { 'x-sim-ip': ip }
      return seen(`${exchange.coinwUrl}/api/v1/private?${query}`, { method: 'POST', headers })
    },
    coinwPublic(query: string, method = 'GET', ip?: string) {
      const headers: Record<string, string> = ip === undefined ? {} : { 'x-sim-ip': ip }
      return seen(`${exchange.coinwUrl}/api/v1/public?${query}`, { method, headers })
    },
  }
}

export interface CoinwCall {
  command?: string
  account?: { apiKey: string; secretKey: string }
  params?: Record<string, string>
  ip?: string
  sign?: string
}

/** Calls one after the other, so that their order is certain; returns the codes. */
export async function codes(times: number, call: () => Promise<Seen>): Promise<unknown[]> {
  const result: unknown[] = []
  for (let done = 0; done < times; done++) result.push((await call()).body.code)
  return result
}
