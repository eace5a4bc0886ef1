import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { bottleneck } from './bottleneck.ts'
import { ccxt, ccxtPackage } from './ccxt.ts'
import { headgate } from './headgate.ts'
import { limiter } from './limiter.ts'
import { pQueue } from './p-queue.ts'
import { pThrottle } from './p-throttle.ts'
import type { Peer } from './peer.ts'
import { rateLimiterFlexible } from './rate-limiter-flexible.ts'

const ALL: readonly Peer[] = [headgate, pThrottle, pQueue, limiter, rateLimiterFlexible, bottleneck, ccxt]

export const hasCcxt = ccxtPackage() !== undefined

/** Those installed; Headgate first. */
export const peers: readonly Peer[] = ALL.filter(peer => peer !== ccxt || hasCcxt)

export function peerOf(name: string): Peer {
  const peer = peers.find(each => each.name === name)
  if (peer === undefined) throw new Error(`no such limiter: ${name}`)
  return peer
}

/** As installed. */
export function versionOf(peer: Peer): string {
  const path =
    peer === ccxt ? ccxtPackage() : findPackageJSON(peer.package ?? '@headgate/core', new URL(import.meta.url))
  if (path === undefined) return 'unknown'
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
