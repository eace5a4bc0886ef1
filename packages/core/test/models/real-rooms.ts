import type { Gate } from '@headgate/core'
import { Lane } from '../../src/lanes/lane.ts'
import { Waiting } from '../../src/lanes/waiting.ts'
import type { House, LanePlan, Rooms, Tap } from './house.ts'

/** The waiting rooms under test. */
export function realRooms(house: House): Rooms {
  const gates = new Map([...house.taps.values()].map(tap => [tap.name, gateOf(tap)]))
  const waiting = new Waiting(
    {
      readyAtMs: (gate, tokens) => house.readyAtMs(gate.name, tokens),
      costOf: (_, lane) => house.costOf(Number(lane.key)),
      reservedOf: () => 0,
      sizeOf: gate => house.taps.get(gate.name)?.size as number,
    },
    'uid',
  )
  const lanes = new Map<number, Lane>()
  const gate = (name: string) => gates.get(name) as Gate
  const lane = (id: number) => lanes.get(id) as Lane
  return {
    enter(id) {
      const { priority, group, gates: names } = house.plans[id] as LanePlan
      lanes.set(id, new Lane(String(id), { labels: {}, gates: names.map(gate) }, priority, group))
      waiting.enter(lane(id))
    },
    exit: id => waiting.exit(lane(id), house.nowMs),
    blockerOf: id => waiting.blockerOf(lane(id))?.name,
    claimBefore: id => waiting.claimBefore(lane(id), house.nowMs)?.gate.name,
    place: (id, name) => waiting.place(lane(id), gate(name), house.nowMs),
    admitted: id => waiting.admitted(lane(id), house.nowMs),
    requeue(id) {
      const { wokenBy } = lane(id)
      if (wokenBy !== undefined) waiting.requeue(lane(id), wokenBy, house.nowMs)
      return wokenBy !== undefined
    },
    takeNext() {
      const next = waiting.takeNext(house.nowMs)
      return next === undefined ? undefined : Number(next.key)
    },
    changed: name => waiting.changed(gate(name), house.nowMs),
    changedFor: id => waiting.changedFor(lane(id), house.nowMs),
    tidy: () => waiting.tidy(),
    wakeAtMs: () => waiting.wakeAtMs,
  }
}

function gateOf({ name, by }: Tap): Gate {
  return { kind: 'bucket', name, key: name, by, windowMs: 1_000 }
}
