import { describe, expect, it } from 'vitest'
import { BingxError, type Income } from '../src/index.ts'
import { world } from './support/exchange.ts'
import { type Recording, type Respond, recording } from './support/recording.ts'
import { failure, settle } from './support/settle.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const WHERE = 'account.swap.income.pages'

const row = (time: number, i = 0): Income => ({
  symbol: 'BTC-USDT',
  incomeType: 'FUNDING_FEE',
  income: `0.${i}1`,
  asset: 'USDT',
  info: '',
  time,
  tranId: '',
  tradeId: '',
})

/** As documented: rows of the range, both ends included, at most `limit`. */
function answering(rows: readonly Income[], order: 'newest-first' | 'oldest-first'): Respond {
  return ({ url }) => {
    const asked = (name: string) => Number(url.searchParams.get(name))
    const chosen = rows.filter(({ time }) => time >= asked('startTime') && time <= asked('endTime'))
    const listed = order === 'newest-first' ? chosen.toReversed() : chosen
    return Response.json({ code: 0, data: listed.slice(0, asked('limit')) })
  }
}

async function collect(pages: AsyncIterable<Income[]>, into: Income[][] = []): Promise<Income[][]> {
  for await (const page of pages) into.push(page)
  return into
}

const limits = ({ sent }: Recording) => sent.map(({ url }) => url.searchParams.get('limit'))

describe.each(['newest-first', 'oldest-first'] as const)('pages, listed %s', order => {
  it('give 4321 rows once and in order, twins too, in few calls', async () => {
    const rows = Array.from({ length: 4321 }, (_, i) => row(NOW - 6 * DAY_MS + Math.floor(i / 700) * 60_000, i % 3))
    const it = recording(answering(rows, order))
    const pages = await settle(collect(it.account.swap.income.pages()), it.clock)
    expect(pages.flat().map(({ time }) => time)).toEqual(rows.map(({ time }) => time))
    expect(pages.every(({ length }) => length > 0 && length <= 1000)).toBe(true)
    expect(it.sent.length).toBeLessThan(30)
    // Only the question which end is cut asks for less.
    expect(limits(it).filter(limit => limit !== '1000')).toEqual(['1'])
  })

  it('ask once for what fits into a page, and for nothing else', async () => {
    const it = recording(answering([row(NOW - 5), row(NOW - 5), row(NOW)], order))
    const query = { startTime: NOW - DAY_MS, endTime: NOW, symbol: 'BTC-USDT', incomeType: 'FUNDING_FEE' }
    const pages = await settle(collect(it.account.swap.income.pages(query)), it.clock)
    expect(pages).toEqual([[row(NOW - 5), row(NOW - 5), row(NOW)]])
    expect(it.sent).toHaveLength(1)
    const { searchParams } = (it.sent[0] as Recording['sent'][number]).url
    for (const [name, value] of Object.entries({ ...query, limit: 1000 })) {
      expect(searchParams.get(name)).toBe(String(value))
    }
  })

  it('walk the stand-in, whose funding fees come in pairs', async () => {
    await using it = await world({ incomeOrder: order })
    const startTime = it.clock.epochMs() - 20 * DAY_MS
    const all = await settle(it.account.swap.income({ startTime, limit: 1000 }), it.clock)
    const pages = await settle(collect(it.account.swap.income.pages({ startTime })), it.clock)
    expect(pages.flat()).toHaveLength(all.length)
    expect(new Set(pages.flat().map(({ tranId }) => tranId))).toEqual(new Set(all.map(({ tranId }) => tranId)))
  })

  it('end with an error that names a millisecond of 1000 rows', async () => {
    const dense = NOW - 3 * DAY_MS
    const rows = [row(dense - 1), ...Array.from({ length: 1001 }, () => row(dense)), row(dense + 1)]
    const it = recording(answering(rows, order))
    const error = await failure(collect(it.account.swap.income.pages()), it.clock)
    expect(error).toBeInstanceOf(BingxError)
    expect(error).toMatchObject({
      kind: 'fatal',
      code: 'PAGES',
      endpoint: 'GET /openApi/swap/v2/user/income',
      uid: 'u1',
      msg: expect.stringContaining(`in the one millisecond ${dense}`),
    })
  })
})

describe('pages', () => {
  it('are of the last seven days by default, and of seven days up to an end', async () => {
    const it = recording()
    await settle(collect(it.account.swap.income.pages()), it.clock)
    await settle(collect(it.account.swap.income.pages({ endTime: NOW - 30 * DAY_MS })), it.clock)
    const ranges = it.sent.map(({ url }) => ['startTime', 'endTime'].map(name => Number(url.searchParams.get(name))))
    expect(ranges).toEqual([
      [NOW - 7 * DAY_MS, NOW],
      [NOW - 37 * DAY_MS, NOW - 30 * DAY_MS],
    ])
  })

  it('none: nothing', async () => {
    const it = recording(() => new Response('{"code":0,"data":null}'))
    expect(await settle(collect(it.account.swap.income.pages()), it.clock)).toEqual([])
  })

  it('are fetched as they are asked for: after a break no call goes out', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => row(NOW - 6 * DAY_MS + i))
    const it = recording(answering(rows, 'oldest-first'))
    const pages = it.account.swap.income.pages()
    expect(it.sent).toHaveLength(0)
    const first = (async () => {
      for await (const page of pages) return page
      return []
    })()
    expect(await settle(first, it.clock)).toHaveLength(999)
    await it.clock.advance(60_000)
    expect(it.sent).toHaveLength(2)
  })

  it('end by a signal, between pages too', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => row(NOW - 6 * DAY_MS + i))
    for (const order of ['newest-first', 'oldest-first'] as const) {
      const it = recording(answering(rows, order))
      const stop = new AbortController()
      let pages = 0
      const walk = async () => {
        for await (const _ of it.account.swap.income.pages({}, { signal: stop.signal })) {
          if (++pages === 2) stop.abort(new Error('enough'))
        }
      }
      expect(await failure(walk(), it.clock)).toMatchObject({ message: 'enough' })
      expect(pages).toBe(2)
    }
  })

  it('go by priority and maxWaitMs, each page', async () => {
    const it = recording()
    it.scheduler.hold({ exchange: 'bingx' }, { forMs: 60_000, reason: 'a wait' })
    const late = collect(it.account.swap.income.pages({}, { maxWaitMs: 10, priority: 3 }))
    expect(await failure(late, it.clock)).toMatchObject({ code: 'MAX_WAIT' })
  })

  it.each<[string, Respond]>([
    // The end of the range left out, as some servers do.
    ['that lose what a page before had', ({ url }) => answeringWithoutStart(url)],
    ['outside of what was asked for', () => Response.json({ code: 0, data: [row(1)] })],
    [
      'of which more come than asked for',
      ({ url }) =>
        Response.json({
          code: 0,
          data: Array.from({ length: 1000 }, (_, i) => row(Number(url.searchParams.get('startTime')) + i)),
        }),
    ],
  ])('%s are an error, not a gap', async (_, respond) => {
    const it = recording(respond)
    expect(await failure(collect(it.account.swap.income.pages()), it.clock)).toMatchObject({
      kind: 'malformed',
      code: 'PAGES',
    })
  })

  it.each<[string, object | undefined, string]>([
    [
      'end before start',
      { startTime: NOW, endTime: NOW - 1 },
      `parameter "endTime": expected no earlier than the start, ${NOW}, got ${NOW - 1}`,
    ],
    [
      'too old',
      { startTime: NOW - 93 * DAY_MS - 1 },
      `parameter "startTime": expected a time in the last 3 months, got ${NOW - 93 * DAY_MS - 1}`,
    ],
    [
      'too old an end',
      { endTime: NOW - 100 * DAY_MS },
      `parameter "startTime": expected a time in the last 3 months, got ${NOW - 107 * DAY_MS}`,
    ],
    [
      'not yet',
      { endTime: NOW + DAY_MS + 1 },
      `parameter "endTime": expected no later than now, got ${NOW + DAY_MS + 1}`,
    ],
    [
      'not yet a start',
      { startTime: NOW + 2 },
      `parameter "endTime": expected no earlier than the start, ${NOW + 2}, got ${NOW}`,
    ],
    [
      'fraction',
      { startTime: 0.5 },
      'parameter "startTime": expected a whole number from 0 to 9007199254740991, got 0.5',
    ],
    ['symbol', { symbol: '' }, 'parameter "symbol": expected a non-empty string, got ""'],
    ['limit', { limit: 5 }, 'unknown parameter "limit": expected one of startTime, endTime, symbol, incomeType, got 5'],
  ])('%s: a TypeError at once', (_, range, message) => {
    const it = recording()
    expect(() => it.account.swap.income.pages(range)).toThrow(new TypeError(`${WHERE}: ${message}`))
    expect(it.sent).toEqual([])
  })

  it('are lenient by a day at both ends', async () => {
    const it = recording()
    const range = { startTime: NOW - 93 * DAY_MS, endTime: NOW + DAY_MS }
    await settle(collect(it.account.swap.income.pages(range)), it.clock)
    expect(it.sent).toHaveLength(1)
  })

  it('have options that are checked', () => {
    const it = recording()
    expect(() => it.account.swap.income.pages({}, { maxWaitMs: -1 })).toThrow(
      new TypeError(`${WHERE}: option "maxWaitMs": expected a number of milliseconds from 0, got -1`),
    )
  })
})

/** Oldest first, without what is at the very start of a later page. */
function answeringWithoutStart(url: URL): Response {
  const start = Number(url.searchParams.get('startTime'))
  const rows = Array.from({ length: 2500 }, (_, i) => row(NOW - DAY_MS + Math.floor(i / 2))).filter(
    ({ time }) => time > start && time <= Number(url.searchParams.get('endTime')),
  )
  return Response.json({ code: 0, data: rows.slice(0, Number(url.searchParams.get('limit'))) })
}
