import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { ExchangeName } from './dialect.ts'
import type { Fault } from './faults.ts'
import { anyText, flag, leaf, numberFrom, oneOf, recordOf, shape, text } from './validate.ts'

/** A ban to impose at once. */
export interface BanOrder {
  exchange: ExchangeName
  /** BingX: `'GET /openApi/…'` or only the path of a GET. CoinW: the command. Absent: all endpoints. */
  endpoint?: string
  /** Whom it holds: give exactly one of `uid` and `ip`. */
  uid?: string
  ip?: string
  forMs: number
  /**
   * BingX's words. Default `disabled-period`. `error-count` speaks of 20 errors 100202 within 480000 ms, as the seeds
   * do. CoinW has but one refusal, whatever stands here.
   */
  wording?: 'disabled-period' | 'error-count'
  /** BingX's edge server answers, with this status and a page: only for a whole `ip`. */
  status?: 403 | 418
}

const dayMs = 86_400_000
export const duration = numberFrom(1, dayMs)
export const exchangeName = oneOf('bingx', 'coinw')

const checkBan = shape(
  {
    exchange: exchangeName,
    endpoint: text,
    uid: text,
    ip: text,
    forMs: duration,
    wording: oneOf('disabled-period', 'error-count'),
    status: oneOf(403, 418),
  },
  { required: ['exchange', 'forMs'] },
)

export function checkBanOrder(order: BanOrder): void {
  const here = 'exchange.ban: '
  checkBan(order, here)
  const given = [order.uid, order.ip].filter(whom => whom !== undefined).length
  if (given !== 1) throw new TypeError(`${here}uid or ip must be given, one of them, but got ${given}`)
  if (order.status === undefined) return
  if (order.exchange !== 'bingx' || order.ip === undefined || order.endpoint !== undefined) {
    throw new TypeError(`${here}status must be for an ip of bingx and all its endpoints, but got another ban`)
  }
}

/** Large enough for any client's limit; answers are built in memory. */
const maxPadBytes = 67_108_864

const checkFaultShape = shape(
  {
    exchange: exchangeName,
    endpoint: text,
    uid: text,
    ip: text,
    times: leaf(
      'a whole number of at least 1, or Infinity',
      times => times === Infinity || (Number.isInteger(times) && Number(times) >= 1),
    ),
    counted: flag,
    reply: shape(
      {
        status: numberFrom(200, 599, true),
        code: leaf('a whole number or a string', code => Number.isInteger(code) || typeof code === 'string'),
        msg: anyText,
        body: anyText,
        headers: recordOf(anyText),
        padToBytes: numberFrom(1, maxPadBytes, true),
        half: oneOf('silent', 'cut'),
      },
      { or: ['drop', 'hang'] },
    ),
  },
  { required: ['reply'] },
)

/** `name` is what the messages begin with: a function's ends in a space, an option's does not. */
export function checkFault(fault: Fault, name: string): void {
  checkFaultShape(fault, name)
  const { reply, counted = true } = fault
  if (typeof reply === 'string') return
  const at = name.endsWith(' ') ? `${name}reply` : `${name}.reply`
  // Node's own TypeErrors name the header; without them the answer would fail when it is sent, and with it the process.
  for (const [header, value] of Object.entries(reply.headers ?? {})) {
    validateHeaderName(header)
    validateHeaderValue(header, value)
  }
  const contents = [reply.code, reply.body].filter(part => part !== undefined).length
  const alters = [reply.status, reply.headers, reply.padToBytes, reply.half].some(part => part !== undefined)
  if (contents > 1) throw new TypeError(`${at} must have code or body, one of them, but got ${contents}`)
  if (contents === 0 && !alters) {
    throw new TypeError(`${at} must have code, body, status, headers, padToBytes or half, but got none of them`)
  }
  if (contents === 0 && !counted) {
    throw new TypeError(`${at} must have code or body where counted is false, for there is no answer to alter`)
  }
  if (contents === 0 && reply.msg !== undefined) throw new TypeError(`${at}.msg must come with code, but got it alone`)
}
