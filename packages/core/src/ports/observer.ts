import type { Labels } from '../limits/limit.ts'

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

/** Is told every event, in order, while it happens: it must be quick. What it throws is rethrown outside the scheduler. */
export type Observer = (event: SchedulerEvent) => void
