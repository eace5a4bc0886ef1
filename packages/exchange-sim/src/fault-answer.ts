import type { Instant } from './clock.ts'
import type { Answer, Dialect } from './dialect.ts'
import type { AlteredAnswer } from './faults.ts'

/** What a fault makes of an answer; `own` is the exchange's, where it has made one. */
export function alterAnswer(fault: AlteredAnswer, dialect: Dialect, at: Instant, own?: Answer): Answer {
  const base = baseAnswer(fault, dialect, at, own)
  const answer: Answer = {
    ...base,
    status: fault.status ?? base.status,
    headers: { ...base.headers, ...lowerCase(fault.headers) },
    body: padded(base.body, fault.padToBytes ?? 0),
  }
  if (fault.half === undefined) return answer
  const bytes = Buffer.from(answer.body)
  const half = Math.floor(bytes.length / 2)
  // Half an answer tells its caller nothing, but the exchange has done what it was asked for: `error` stays as it is.
  if (fault.half === 'cut') return { ...answer, cutAfterBytes: half }
  return { ...answer, body: bytes.subarray(0, half).toString() }
}

function baseAnswer({ code, msg = '', body }: AlteredAnswer, dialect: Dialect, at: Instant, own?: Answer): Answer {
  if (code !== undefined) return dialect.failed(code, msg, at)
  if (body === undefined && own !== undefined) return own
  return { status: 502, headers: { 'content-type': 'text/html' }, body: body ?? '', error: {} }
}

function padded(body: string, bytes: number): string {
  return body + ' '.repeat(Math.max(0, bytes - Buffer.byteLength(body)))
}

/** All our own names are in lower case: a fault's header then replaces ours and does not stand beside it. */
function lowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
