import { expect, test } from 'vitest'

// Names are added, never renamed or taken away.
test('@headgate/core', async () => {
  expect(Object.keys(await import('@headgate/core')).sort()).toMatchInlineSnapshot(`
    [
      "ClosedError",
      "ErrorBudgetError",
      "HeadgateError",
      "MaxWaitError",
      "NeverFitsError",
      "QueueFullError",
      "RefusedError",
      "StaleError",
      "TimeoutError",
      "backoffMs",
      "createScheduler",
      "errorBudget",
      "inFlight",
      "memoryLedger",
      "parseDisabledPeriod",
      "parseRetryAfter",
      "systemClock",
      "tokenBucket",
    ]
  `)
})

test('@headgate/core/memory-file', async () => {
  expect(Object.keys(await import('@headgate/core/memory-file'))).toStrictEqual(['fileMemory'])
})

test('@headgate/core/testing', async () => {
  expect(Object.keys(await import('@headgate/core/testing')).sort()).toMatchInlineSnapshot(`
    [
      "checkWindow",
      "checkWindows",
      "logNormal",
      "normal",
      "seededRandom",
      "virtualClock",
    ]
  `)
})
