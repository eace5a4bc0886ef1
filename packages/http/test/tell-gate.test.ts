import type { Admission } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../src/call.ts'
import type { ServerClock, TimeSample } from '../src/server-clock.ts'
import { tellGate } from '../src/tell-gate.ts'

/** What the gate and the clock were told of one answer. */
function told(verdict: Verdict<unknown>, { believes = true, timestampMs = 5, limits = ['known'] } = {}) {
  const said: unknown[][] = []
  const admission = {
    counted: (seen: unknown) => void said.push(['counted', seen]),
    failed: (code: unknown) => void said.push(['failed', code]),
    usage(seen: { limit: string }) {
      said.push(['usage', seen])
      if (!limits.includes(seen.limit)) throw new TypeError('no such limit')
    },
  } as unknown as Admission
  const samples: TimeSample[] = []
  const clock = {
    heard(sample: TimeSample) {
      samples.push(sample)
      return believes
    },
  } as unknown as ServerClock
  const strangeLimits = new Set<string>()
  const tell = () =>
    tellGate(admission, { strangeLimits }, { clock }, verdict, { sentAtMs: 1, receivedAtMs: 3, timestampMs })
  return { tell, said, samples }
}

describe('the gate is told', () => {
  it('nothing by an answer that tells nothing', () => {
    const { tell, said, samples } = told({ value: 1 })
    tell()
    expect([said, samples]).toEqual([[], []])
  })

  it('of the time of the counting, once the clock believes it', () => {
    const { tell, said, samples } = told({ value: 1, serverTimeMs: 2 })
    tell()
    expect(said).toEqual([['counted', { serverTimeMs: 2 }]])
    expect(samples).toEqual([{ serverTimeMs: 2, sentAtMs: 1, receivedAtMs: 3, asked: false, carriedMs: 5 }])
    const doubted = told({ value: 1, serverTimeMs: 2 }, { believes: false })
    doubted.tell()
    expect(doubted.said).toEqual([])
  })

  it('of errors that count, by their code as a text', () => {
    const trouble = { code: 1e300, msg: '', kind: 'fatal' } as const
    const counting = told({ trouble, isCountedError: true })
    counting.tell()
    expect(counting.said).toEqual([['failed', '1e+300']])
    const other = told({ trouble })
    other.tell()
    expect(other.said).toEqual([])
  })

  it('of usage, unless it has no such limit, which is found out once', () => {
    const usage = { remaining: 1, resetMs: 2 }
    const known = told({ value: 1, usage: { limit: 'known', ...usage } })
    known.tell()
    known.tell()
    expect(known.said).toHaveLength(2)
    const strange = told({ value: 1, usage: { limit: 'strange', ...usage } })
    strange.tell()
    strange.tell()
    expect(strange.said).toHaveLength(1)
  })
})
