import type { Bucket } from './bucket.ts'
import type { Route } from './route.ts'

// When every token is lost and the route is silent, no answer would ever come to free one: a single call, the probe, may then
// go in the place of lost ones, as soon as those would be back had their routes been alive.

/**
 * When `tokens` of the bucket may go in the place of lost ones; Infinity: not before an answer.
 * @param afterMs from a route's last call that was given up to the instant at which its token is back
 * @param atBest as if nothing were under way on the silent routes
 */
export function probeAtMs(
  bucket: Bucket,
  routes: readonly Route[],
  tokens: number,
  afterMs: number,
  atBest: boolean,
): number {
  let missing = tokens
  for (const route of silentRoutes(bucket, routes)) {
    if (route.inFlight > 0 && !atBest) continue
    missing -= route.silentTokens(bucket)
    if (missing <= 0) return route.lastGivenUpAtMs + afterMs
  }
  return Number.POSITIVE_INFINITY
}

/** A call takes the place of lost ones for the tokens that it misses. */
export function borrow(bucket: Bucket, routes: readonly Route[], tokens: number): void {
  let missing = tokens
  if (missing <= 0) return
  for (const route of silentRoutes(bucket, routes)) if (route.inFlight === 0) missing -= route.borrow(bucket, missing)
}

/** The routes whose first answer it waits for, the one that was given up first first. */
function silentRoutes(bucket: Bucket, routes: readonly Route[]): readonly Route[] {
  return routes.filter(route => route.silentTokens(bucket) > 0).sort((a, b) => a.lastGivenUpAtMs - b.lastGivenUpAtMs)
}
