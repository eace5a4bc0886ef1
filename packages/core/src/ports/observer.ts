import type { Labels } from '../limits/limit.ts'

/**
 * What needs a person, or will soon:
 * - `risk-control`: the exchange's risk control stopped us; it is paused, nothing goes again by itself
 * - `ip-not-whitelisted`: the key is not meant for this address
 * - `ip-banned`: a firewall shut out this address
 * - `hold-clamped`: the server named a time so far ahead that it was cut; it may be a new format
 * - `ladder`: so many refusals that the exchange's next step is a ban
 * - `clock`: the server's clock could not be read; calls are signed by the host's
 */
export type AlertReason = 'risk-control' | 'ip-not-whitelisted' | 'ip-banned' | 'hold-clamped' | 'ladder' | 'clock'

/** What happened, for logs and metrics. Times in milliseconds. Never holds anything secret. */
export type SchedulerEvent =
  | { readonly type: 'admitted'; readonly labels: Labels; readonly waitedMs: number }
  | { readonly type: 'refused'; readonly labels: Labels; readonly holdMs?: number; readonly reason?: string }
  | { readonly type: 'held'; readonly labels: Labels; readonly forMs: number; readonly reason: string }
  | { readonly type: 'probe'; readonly labels: Labels; readonly reason: string }
  | { readonly type: 'released'; readonly labels: Labels; readonly reason: string }
  | { readonly type: 'halved'; readonly labels: Labels; readonly limit: string; readonly tokens: number }
  | { readonly type: 'recovered'; readonly labels: Labels; readonly limit: string }
  | {
      readonly type: 'budget-spent'
      readonly labels: Labels
      readonly limit: string
      readonly errorCode: string
      readonly forMs: number
    }
  | { readonly type: 'lost'; readonly labels: Labels }
  /** No call goes out with this key until `account.resume()`. `code` and `reason` are the exchange's. */
  | {
      readonly type: 'account-stopped'
      readonly labels: Labels
      readonly code: string | number
      readonly reason: string
    }
  | { readonly type: 'account-resumed'; readonly labels: Labels }
  /** A human should look. */
  | {
      readonly type: 'alert'
      readonly reason: AlertReason
      readonly labels: Labels
      readonly facts: Readonly<Record<string, string | number>>
    }
  /** Something is not as it should be, and the scheduler goes on: its memory could not be read or written. */
  | { readonly type: 'warning'; readonly reason: string }

/** Is told every event, in order, while it happens: it must be quick. What it throws is rethrown outside the scheduler. */
export type Observer = (event: SchedulerEvent) => void
