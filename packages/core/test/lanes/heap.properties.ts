import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from '../../src/lanes/heap.ts'
import { runs } from '../support/runs.ts'

interface Item {
  rank: number
  readonly id: number
  heapIndex: number
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), rank: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('update' as const), pick: fc.nat(), rank: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pop' as const) }) },
)

test('whatever is put in, moved and taken out: it gives out in order, and knows what it holds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), steps => {
      const heap = new Heap<Item>((a, b) => a.rank < b.rank)
      const model = new Set<Item>()
      const gone: Item[] = []
      const any = (pick: number) => [...model][pick % model.size] as Item
      for (const [id, each] of steps.entries()) {
        if (each.do === 'push') {
          const item = { rank: each.rank, id, heapIndex: -1 }
          heap.push(item)
          model.add(item)
        } else if (model.size > 0) {
          const item = each.do === 'pop' ? (heap.peek() as Item) : any(each.pick)
          if (each.do === 'update') {
            item.rank = each.rank
            heap.update(item)
          } else {
            heap.remove(item)
            model.delete(item)
            gone.push(item)
          }
        }
        expect(heap.size).toBe(model.size)
        expect(new Set(heap)).toStrictEqual(model)
        expect(heap.peek()?.rank).toBe([...model].sort((a, b) => a.rank - b.rank)[0]?.rank)
        expect([...model].every(item => heap.has(item))).toBe(true)
        expect(gone.some(item => heap.has(item))).toBe(false)
      }
      const sorted = [...model].map(item => item.rank).sort((a, b) => a - b)
      for (const rank of sorted) {
        const item = heap.peek() as Item
        expect(item.rank).toBe(rank)
        heap.remove(item)
      }
      expect(heap.peek()).toBeUndefined()
    }),
    runs(100),
  )
})

test('an item of one heap is not in another', () => {
  const one = new Heap<Item>((a, b) => a.rank < b.rank)
  const other = new Heap<Item>((a, b) => a.rank < b.rank)
  const items = [0, 1].map(id => ({ rank: id, id, heapIndex: -1 }))
  one.push(items[0] as Item)
  other.push(items[1] as Item)
  expect([one.has(items[1] as Item), other.has(items[0] as Item)]).toStrictEqual([false, false])
})
