import type { Labels, Limit, Refusal, Usage } from '@headgate/core'
import type { SeenCall, SeenResponse } from './news.ts'

/** More than any number in a header or message has. */
const MAX_CHARS = 64
/** A body in text that is longer is no error message. */
const MAX_BODY = 65_536
/** Where in a body words are looked for. */
const MAX_TEXT = 4_096
/** As servers of today write it (RFC 9110, IMF-fixdate). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/
/** No hold is longer: Binance's longest ban. */
const MAX_HOLD_MS = 3 * 86_400_000

/** The header's text; undefined where there is none, or it is none that a server sends. */
export function headerOf({ headers }: SeenResponse, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const value =
    typeof headers.get === 'function'
      ? (headers as { get(name: string): unknown }).get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.length <= MAX_CHARS ? value.trim() : undefined
}

/** A whole number from 0. */
export function wholeOf(text: unknown): number | undefined {
  if (typeof text === 'number') return Number.isSafeInteger(text) && text >= 0 ? text : undefined
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export const wholeHeader = (response: SeenResponse, name: string) => wholeOf(headerOf(response, name))

/** The body's own field, if it is an object and has it. */
export function fieldOf(body: unknown, name: string): unknown {
  const value = typeof body === 'string' ? parsed(body) : body
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

/** A field in words, cut to a length that is worth a look. */
export function textOf(body: unknown, name: string): string {
  const value = fieldOf(body, name)
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, MAX_TEXT) : ''
}

/** The server's clock, at most a second behind it: holds computed on it end no earlier than the server means. */
export function serverNowMs(response: SeenResponse, nowMs: number): number {
  const date = headerOf(response, 'date') ?? ''
  const dateMs = HTTP_DATE.test(date) ? Date.parse(date) : Number.NaN
  return Number.isNaN(dateMs) ? nowMs : dateMs
}

/** For how long from now, within reason; undefined for no number. */
export function holdFor(forMs: number | undefined): { holdMs?: number } {
  if (forMs === undefined || !Number.isFinite(forMs)) return {}
  return { holdMs: Math.min(MAX_HOLD_MS, Math.max(0, Math.ceil(forMs))) }
}

/** A refusal that speaks of these labels, as far as the call carries them; of none of them: of the most specific limit. */
export function refusal({ labels }: SeenCall, by: readonly string[], reason: string, forMs?: number): Refusal {
  const names = by.filter(name => Object.hasOwn(labels, name))
  return { reason, ...(names.length > 0 && { by: names }), ...holdFor(forMs) }
}

/** The usage, if its limit is one of the call's: of others the admission would not hear. */
export function usageOf(call: SeenCall, limits: readonly Limit[], usage: Usage): Usage[] {
  const limit = (call.limits ?? limits).find(({ name }) => name === usage.limit)
  return limit !== undefined && applies(limit, call.labels) ? [usage] : []
}

function applies(limit: Limit, labels: Labels): boolean {
  if (limit.kind !== 'token-bucket' || !limit.by.every(name => Object.hasOwn(labels, name))) return false
  return limit.where === undefined || limit.where(labels)
}

function parsed(text: string): unknown {
  if (text.length > MAX_BODY) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
