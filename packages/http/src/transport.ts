import type { Clock } from '@headgate/core'
import ky from 'ky'
import { readBody } from './body.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A request as it leaves. Made at the moment of sending, afresh for every attempt. */
export interface SignedRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** What in it must never be seen: the signature. */
  readonly hide?: readonly string[]
  /** The server's time that it carries, epoch milliseconds. */
  readonly timestampMs?: number
}

export interface Answer {
  readonly status: number
  readonly text: string
  header(name: string): string | null
}

/** Why there is no answer to read. */
export interface NoAnswer {
  readonly why: 'unsent' | 'timeout' | 'aborted' | 'broken' | 'redirected' | 'too-large'
  /** `ECONNRESET`, `UND_ERR_SOCKET`; the status of a redirect. */
  readonly code: string | number
  /** In words. Not redacted: fetch's errors may quote what was sent. */
  readonly detail: string
  /** False: it never left, so that the server can't count the call. */
  readonly wasSent: boolean
}

const noAnswer = (
  why: NoAnswer['why'],
  code: string | number,
  detail: string,
  wasSent: boolean = why !== 'unsent',
): NoAnswer => ({ why, code, detail, wasSent })

export interface SendOptions {
  readonly fetch: Fetch | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly maxBodyBytes: number
  /** Called once, when the headers are in: the server has counted the call. */
  onHeaders(): void
}

/**
 * One admission is one call: ky would by itself send again (429, 5xx, broken connections), and fetch would follow a
 * redirect, which is a second call that carries the key along.
 */
const ONE_CALL = { retry: 0, throwHttpErrors: false, redirect: 'manual', timeout: false } as const

/** The connection was never opened, so the server can't count the call (Node's and undici's codes, 2026). */
const NEVER_LEFT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Sends one request and reads its answer. What goes wrong comes back as a value that holds no request and no error of
 * fetch's or ky's: those carry the key and the signature. The time-out covers the body too.
 */
export async function send(request: SignedRequest, options: SendOptions): Promise<Answer | NoAnswer> {
  const { signal, clock } = options
  const attempt = new AbortController()
  const abort = () => attempt.abort()
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  let timedOut = false
  const timer = clock.setTimer(() => {
    timedOut = true
    abort()
  }, options.timeoutMs)
  let left = false
  const leave: Fetch = async (input, init) => {
    attempt.signal.throwIfAborted()
    left = true
    const { fetch = globalThis.fetch } = options
    return fetch(input, init)
  }
  let answered = false
  try {
    const response = await ky(request.url, {
      ...ONE_CALL,
      method: request.method,
      signal: attempt.signal,
      ...(request.headers && { headers: request.headers }),
      fetch: leave,
    })
    answered = true
    options.onHeaders()
    const { status } = response
    const redirected = response.type === 'opaqueredirect' || (status >= 300 && status < 400)
    const text = redirected ? undefined : await readBody(response, options.maxBodyBytes)
    if (text !== undefined) return { status, text, header: name => response.headers.get(name) }
    // Else the unread rest would keep its connection busy until it is garbage.
    abort()
    return redirected
      ? noAnswer('redirected', status, 'a redirect, which is not followed')
      : noAnswer('too-large', status, `a body of over ${options.maxBodyBytes} bytes`)
  } catch (error) {
    if (timedOut) return noAnswer('timeout', 'TIMEOUT', `no answer within ${options.timeoutMs} ms`)
    if (signal.aborted) return noAnswer('aborted', 'ABORTED', 'aborted', left)
    const { code, message } = rootOf(error)
    return noAnswer(!answered && NEVER_LEFT.has(code) ? 'unsent' : 'broken', code, message)
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', abort)
  }
}

/** What lies at the bottom of fetch's chain of causes: the system's or undici's error. */
function rootOf(error: unknown): { code: string; message: string } {
  let code = ''
  let root = error
  // As deep as chains get: ky's error, fetch's, one of several addresses', the system's.
  for (let depth = 0, next = error; depth < 5 && next instanceof Error; depth++) {
    root = next
    const found = (next as { code?: unknown }).code
    if (typeof found === 'string') code = found
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined)
  }
  if (!(root instanceof Error)) return { code: 'ERROR', message: 'fetch threw what is no error' }
  return { code: /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : root.name, message: root.message }
}
