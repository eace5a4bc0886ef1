import type { Labels } from '@headgate/core'
import { expect, test } from 'vitest'
import type { Passage } from '../../src/ports/ledger.ts'
import { Call } from '../../src/run/call.ts'
import { Queue } from '../../src/run/queue.ts'

const passageOf = (labels: Labels): Passage => ({ labels, gates: [] })

function callOf(labels: Labels, resolve: (value: unknown) => void = () => undefined): Call {
  return new Call(passageOf(labels), { labels }, () => undefined, 0, resolve)
}

test('a call settles once: of a second rejection nobody hears, not even the process', async () => {
  let call: Call | undefined
  const settled = new Promise(resolve => {
    call = callOf({ uid: '1' }, resolve)
  })
  call?.reject(new Error('first'))
  call?.reject(new Error('second'))
  await expect(settled).rejects.toThrow('first')
})

test('calls that wait with the same labels by value keep one passage', () => {
  const queue = new Queue('uid', 'reject', () => undefined)
  const calls = [callOf({ uid: '1', ip: 'a' }), callOf({ ip: 'a', uid: '1' }), callOf({ uid: '2', ip: 'a' })] as const
  for (const call of calls) queue.append(call)
  expect(calls[1].passage).toBe(calls[0].passage)
  expect(calls[2].passage).not.toBe(calls[0].passage)
})
