import type { SeenResponse } from '../../src/index.ts'
import { type Counter, decaying, keyed, rolling, windows } from './counters.ts'
import type { Exchange } from './market.ts'

// Small servers, written from the documents alone: each enforces its exchange's rules exactly and says what that says.

const date = (atMs: number) => ({ Date: new Date(atMs).toUTCString() })
const refusesAny = (counters: readonly [Counter, number][], atMs: number) =>
  counters.find(([counter, cost]) => !counter.has(cost, atMs))
const chargeAll = (counters: readonly [Counter, number][], atMs: number) => {
  for (const [counter, cost] of counters) counter.add(cost, atMs)
}

export function binance(): Exchange {
  const weight = keyed(() => windows('aligned', 6_000, 60_000))
  const requests = keyed(() => windows('aligned', 61_000, 300_000))
  const orders = keyed(() => windows('aligned', 10, 1_000))
  return {
    arrive({ ip = '', uid = '', group }, cost, atMs): SeenResponse {
      const isOrder = group === 'order'
      const counters: [Counter, number][] = [
        [weight(ip), cost],
        [requests(ip), 1],
        ...(isOrder ? [[orders(uid), 1] as [Counter, number]] : []),
      ]
      const over = refusesAny(counters, atMs)
      if (over === undefined) chargeAll(counters, atMs)
      const headers = {
        ...date(atMs),
        'X-MBX-USED-WEIGHT-1M': String(weight(ip).used(atMs)),
        ...(isOrder && { 'X-MBX-ORDER-COUNT-1S': String(orders(uid).used(atMs)) }),
      }
      const time = isOrder ? 'transactTime' : 'serverTime'
      if (over === undefined) return { status: 200, headers, body: { [time]: Math.floor(atMs) } }
      const code = over[0] === orders(uid) ? -1015 : -1003
      return { status: 429, headers: { ...headers, 'Retry-After': '60' }, body: { code, msg: 'Too many' } }
    },
  }
}

export function bybit(): Exchange {
  const perSecond: Record<string, number> = { spot: 20, linear: 10 }
  const address = keyed(() => rolling(600, 5_000))
  const endpoints = new Map<string, Counter>()
  return {
    arrive({ ip = '', uid, endpoint, category = '' }, cost, atMs): SeenResponse {
      const key = `${uid} ${endpoint} ${category}`
      const limit = perSecond[category] ?? 10
      const counter = endpoints.get(key) ?? rolling(limit, 1_000)
      endpoints.set(key, counter)
      if (!address(ip).has(1, atMs)) return { status: 403, headers: date(atMs), body: 'access too frequent' }
      address(ip).add(1, atMs)
      const isIn = counter.has(cost, atMs)
      if (isIn) counter.add(cost, atMs)
      const headers = new Headers({
        ...date(atMs),
        'X-Bapi-Limit': String(limit),
        'X-Bapi-Limit-Status': String(limit - counter.used(atMs)),
        'X-Bapi-Limit-Reset-Timestamp': String(Math.floor(isIn ? atMs : atMs + 1_000)),
      })
      return { status: 200, headers, body: { retCode: isIn ? 0 : 10006 } }
    },
  }
}

export function okx(): Exchange {
  const placing = keyed(() => rolling(60, 2_000))
  const account = keyed(() => rolling(1_000, 2_000))
  return {
    arrive({ uid = '', instId, instType }, cost, atMs): SeenResponse {
      const instrument: [Counter, number] = [placing(`${uid} ${instId}`), 1]
      const cap: [Counter, number] = [account(uid), cost]
      const counters = instType === 'SPOT' ? [instrument] : [instrument, cap]
      const over = refusesAny(counters, atMs)
      if (over === undefined) chargeAll(counters, atMs)
      const code = over === undefined ? '0' : over === cap ? '50061' : '50011'
      return { status: 200, headers: {}, body: { code, data: [] } }
    },
  }
}

export function kraken(): Exchange {
  const calls = keyed(() => decaying(15, 0.33))
  const trading = keyed(() => decaying(60, 1))
  return {
    arrive({ key = '', uid, pair, group, endpoint = '' }, cost, atMs): SeenResponse {
      const isTrade = group === 'trading'
      const counter = isTrade ? trading(`${uid} ${pair}`) : calls(key)
      const counted = isTrade ? cost : endpoint.endsWith('Ledgers') ? 2 : 1
      const isIn = counter.has(counted, atMs)
      if (isIn) counter.add(counted, atMs)
      const error = isIn ? [] : [isTrade ? 'EOrder:Rate limit exceeded' : 'EAPI:Rate limit exceeded']
      return { status: 200, headers: date(atMs), body: { error } }
    },
  }
}

export function kucoin(): Exchange {
  const pools: Record<string, number> = { spot: 4_000, futures: 2_000, management: 2_000, public: 2_000 }
  const counters = new Map<string, ReturnType<typeof windows>>()
  return {
    arrive({ ip, uid, group = '' }, cost, atMs): SeenResponse {
      const limit = pools[group] as number
      const key = `${group} ${group === 'public' ? ip : uid}`
      const counter = counters.get(key) ?? windows('anchored', limit, 30_000)
      counters.set(key, counter)
      const isIn = counter.has(cost, atMs)
      if (isIn) counter.add(cost, atMs)
      const headers = new Headers({
        'gw-ratelimit-limit': String(limit),
        'gw-ratelimit-remaining': String(limit - counter.used(atMs)),
        'gw-ratelimit-reset': String(Math.ceil(counter.endsMs() - atMs)),
      })
      return { status: isIn ? 200 : 429, headers, body: { code: isIn ? '200000' : '429000' } }
    },
  }
}

export function coinbase(): Exchange {
  // Lazily filled: as much as was taken comes back by the rate, up to the burst.
  const open = keyed(() => decaying(15, 10))
  const own = keyed(() => decaying(30, 15))
  return {
    arrive({ ip = '', profile = '', group }, cost, atMs): SeenResponse {
      const counter = group === 'public' ? open(ip) : own(profile)
      const isIn = counter.has(cost, atMs)
      if (isIn) counter.add(cost, atMs)
      return { status: isIn ? 200 : 429, headers: {}, body: {} }
    },
  }
}
