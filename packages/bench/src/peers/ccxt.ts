import { existsSync } from 'node:fs'
import type { Peer } from './peer.ts'
import { perKey } from './per-key.ts'

/** Where `pnpm bench:ccxt` puts it. */
const PACKAGE = '../../ccxt/node_modules/ccxt/package.json'
/** Its throttler needs nothing of the other 63 MB. The package shows only its front door, so the file is named by its place. */
const THROTTLER = './js/src/base/functions/throttle.js'

interface ThrottleModule {
  Throttler: new (config: object) => { throttle(cost: number): Promise<void> }
}

export const ccxt: Peer = {
  name: 'ccxt',
  package: 'ccxt',
  hasPriorities: false,
  async open(rules) {
    const url = ccxtPackage()
    if (url === undefined) throw new Error('ccxt is not installed: run `pnpm bench:ccxt` first')
    const { Throttler } = (await import(new URL(THROTTLER, url).href)) as ThrottleModule
    return perKey(rules, ({ limit, windowMs }) => {
      const config = { algorithm: 'rollingWindow', windowSize: windowMs, rateLimit: windowMs / limit }
      const throttler = new Throttler(config)
      return async task => {
        await throttler.throttle(1)
        return task()
      }
    })
  },
}

/** Its package.json; undefined where it is not installed. */
export function ccxtPackage(): URL | undefined {
  const url = new URL(PACKAGE, import.meta.url)
  return existsSync(url) ? url : undefined
}
