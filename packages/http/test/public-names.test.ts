import { expect, it } from 'vitest'
import * as face from '../src/index.ts'

it('has these public names and no others', () => {
  expect(Object.keys(face).sort()).toEqual([
    'AUTO_UID',
    'ExchangeError',
    'applyRule',
    'callByName',
    'checkCallOptions',
    'checkCredentials',
    'checkOptions',
    'checkParams',
    'decimalString',
    'describe',
    'exchangeChecks',
    'findRule',
    'flag',
    'isEpochMs',
    'judgeStatus',
    'oneOf',
    'openExchange',
    'parseJson',
    'pollable',
    'pollableQuery',
    'readData',
    'sender',
    'serverClock',
    'sleep',
    'text',
    'uidOfKey',
    'untilAborted',
    'wholeNumber',
  ])
})
