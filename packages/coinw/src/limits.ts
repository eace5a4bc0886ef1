import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import { COMMANDS } from './commands.ts'

// A scheduler may serve several exchanges, whose labels have the same names; CoinW's futures have limits of their own.
const isSpot = (labels: Labels) => labels['exchange'] === 'coinw' && labels['group'] === 'spot'

const perCommand = Object.entries(COMMANDS).map(([command, { by, limit, windowMs }]) =>
  tokenBucket({
    name: `coinw ${by}×${command}`,
    limit,
    windowMs,
    by: ['exchange', by, 'endpoint'],
    where: labels => isSpot(labels) && labels['endpoint'] === command,
  }),
)

/**
 * CoinW's documented spot limits: each command's own, and over all of them together 100/s per IP and 300/s per user ID
 * ("Precautions", coinw.com/api-doc/en/common/precautions, undated, read 2026-11). The scope is the user ID, not the
 * key.
 */
export const coinwLimits: readonly Limit[] = Object.freeze([
  ...perCommand,
  tokenBucket({ name: 'coinw ip', limit: 100, windowMs: 1_000, by: ['exchange', 'ip'], where: isSpot }),
  tokenBucket({ name: 'coinw uid', limit: 300, windowMs: 1_000, by: ['exchange', 'uid'], where: isSpot }),
])
