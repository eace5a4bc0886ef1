import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A row of the three editions, as collected in 2026-11. */
export interface Fact {
  readonly name: string
  /** Calls per second and UID, by edition; those that print none are left out. */
  readonly uidLimits: readonly number[]
  /** By edition: docs-v3 (2025-10), its mirror (2025-11). */
  readonly groups: readonly string[]
}

export const facts: readonly Fact[] = readFileSync(join(import.meta.dirname, '../facts/endpoints.csv'), 'utf8')
  .trim()
  .split(/\r?\n/)
  .slice(1)
  .map(line => {
    const [method, path, uid2025a, group2025a, uid2025b, group2025b, uid2026] = line.split(',')
    return {
      name: `${method} ${path}`,
      // "5/second", "5/s", "5".
      uidLimits: [uid2025a, uid2025b, uid2026].filter(text => text !== '').map(text => Number.parseInt(text ?? '', 10)),
      groups: [group2025a, group2025b].filter(text => text !== undefined && text !== ''),
    } as Fact
  })
