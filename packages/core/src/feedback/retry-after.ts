import { MAX_HOLD_MS } from './max-hold.ts'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** The three forms that RFC 9110 section 5.6.7 tells a recipient to accept: IMF-fixdate, RFC 850, asctime. */
const DATE_FORMS = [
  /^[a-z]{3}, (?<day>\d\d) (?<month>[a-z]{3}) (?<year>\d{4}) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d) gmt$/,
  /^[a-z]{6,9}, (?<day>\d\d)-(?<month>[a-z]{3})-(?<year>\d\d) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d) gmt$/,
  /^[a-z]{3} (?<month>[a-z]{3}) (?<day>[ \d]\d) (?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d) (?<year>\d{4})$/,
]

/** The longest form has 33 characters; what is longer by far is not worth a look. */
const MAX_CHARS = 128

/**
 * How long a `Retry-After` header (RFC 9110 section 10.2.3) asks to wait, in milliseconds from `nowMs`, an epoch on the
 * server's clock (its `Date` header or better; only a date needs it). At most `capMs`, by default 15 minutes; 0 for a
 * date in the past. Fractions of a second are accepted: some servers send them, though the RFC has none.
 * `undefined` for anything else, and for a value that is not a string. Never throws.
 */
export function parseRetryAfter(header: unknown, nowMs: number, capMs = MAX_HOLD_MS): number | undefined {
  if (typeof header !== 'string' || header.length > MAX_CHARS) return undefined
  const text = header.trim().toLowerCase()
  const forMs = /^\d+(?:\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : dateMs(text, nowMs) - nowMs
  return Number.isNaN(forMs) ? undefined : Math.min(Math.max(forMs, 0), capMs)
}

/** NaN for what is no date. Not `Date.parse`: that takes "x 1" for a day in 2001. */
function dateMs(text: string, nowMs: number): number {
  for (const form of DATE_FORMS) {
    const { day, month = '', year = '', hour, minute, second } = form.exec(text)?.groups ?? {}
    const monthIndex = MONTHS.indexOf(month)
    if (monthIndex < 0) continue
    const at = (fullYear: number) =>
      Date.UTC(fullYear, monthIndex, Number(day), Number(hour), Number(minute), Number(second))
    if (year.length === 4) return at(Number(year))
    // RFC 9110: two digits that seem to be over 50 years ahead mean the past year with the same digits.
    const nowYear = new Date(nowMs).getUTCFullYear()
    const sameCentury = nowYear - (nowYear % 100) + Number(year)
    return at(sameCentury > nowYear + 50 ? sameCentury - 100 : sameCentury)
  }
  return Number.NaN
}
