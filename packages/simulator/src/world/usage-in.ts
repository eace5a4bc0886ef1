import { keyOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { UsageLog } from './log.ts'

const REMAIN = 'x-ratelimit-requests-remain'
const EXPIRE = 'x-ratelimit-requests-expire'
/** The limits that BingX's headers speak of: the endpoint's. */
const TOLD = ['bingx uid×endpoint', 'bingx ip×market endpoint']
const ROUNDED_MS = 1_000
/** No window is as long: such a number is a time of day. */
const EPOCH_MS = 1e12

/** What a client can take from an answer's headers. */
export function usageIn(
  labels: Labels,
  headers: Readonly<Record<string, string>>,
  { limits, looks }: Scenario,
): UsageLog | undefined {
  const remain = Number(headers[REMAIN])
  const expire = Number(headers[EXPIRE])
  const rule = limits.find(each => TOLD.includes(each.name) && keyOf(each, labels) !== undefined)
  if (rule === undefined || !(remain >= 0 && expire >= 0)) return undefined
  const isTrue = looks === undefined || looks.usageHeaders === 'honest' || looks.usageHeaders === 'epoch'
  const isBelievable = remain <= rule.limit && (expire <= rule.windowMs + ROUNDED_MS || expire > EPOCH_MS)
  return { name: rule.name, isTrue, isBelievable }
}
