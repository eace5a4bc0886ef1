import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { Curbs } from '../../src/limits/curbs.ts'
import { Gates } from '../../src/limits/gates.ts'
import type { LedgerSetup } from '../../src/ports/ledger.ts'

const HOUR_MS = 3_600_000

test('a passage whose route was dropped gets the one that is in use now', () => {
  let nowMs = 0
  const setup: LedgerSetup = {
    limits: [tokenBucket({ name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] })],
    coldStart: 'full',
    lostCallMs: 5_000,
    useFloor: true,
    random: () => 0,
    fairBy: 'uid',
    bornAtMs: 0,
    nowMs: () => nowMs,
    epochMs: () => nowMs,
    changed: () => undefined,
    lastingChanged: () => undefined,
    spent: () => undefined,
    emit: () => undefined,
  }
  const gates = new Gates(setup, new Curbs())
  const passage = gates.resolve({ uid: '1', ip: 'a' })
  const { route } = passage
  gates.refresh(passage)
  expect(passage.route).toBe(route)
  nowMs = HOUR_MS + 1
  for (let i = 0; i < 3; i++) gates.resolve({ uid: '1', ip: `other${i}` })
  expect(route.dropped).toBe(true)
  gates.refresh(passage)
  expect(passage.route.dropped).toBe(false)
  expect(passage.route).toBe(gates.resolve({ uid: '2', ip: 'a' }).route)
})
