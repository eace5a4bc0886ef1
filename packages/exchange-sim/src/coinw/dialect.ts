import type { Account, FindAccount } from '../accounts.ts'
import { type Answer, type Dialect, jsonAnswer } from '../dialect.ts'
import { type Parameters, parameterOf, parseQuery } from '../query.ts'
import { between, createRandom } from '../random.ts'
import { signCoinw } from './auth.ts'
import { coinwErrors } from './errors.ts'
import { type Command, findCommand, limitsOf } from './limits.ts'

export interface CoinwOptions {
  readonly findAccount: FindAccount
  readonly seed: number
}

/** Private commands share one path and are POSTs; public ones another, and are GETs. */
const doors: Readonly<Record<Command['by'], string>> = {
  uid: 'POST /api/v1/private',
  ip: 'GET /api/v1/public',
}

const needSymbol: readonly string[] = ['returnOrderBook', 'returnTradeHistory', 'returnChartData']

export function createCoinw({ findAccount, seed }: CoinwOptions): Dialect {
  function answerCall(command: Command, account: Account | undefined, parameters: Parameters): Answer {
    if (command.by === 'ip') {
      const missing = needSymbol.includes(command.name) && !parameterOf(parameters, 'symbol')
      return missing ? failure(coinwErrors.parameterMissing) : success({})
    }
    if (account === undefined) return failure(coinwErrors.keyError)
    if (parameterOf(parameters, 'sign') !== signCoinw(account.secretKey, parameters))
      return failure(coinwErrors.signError)
    return success(dataOf(command.name, account.uid))
  }

  function dataOf(command: string, uid: string): object {
    const random = createRandom(seed, `coinw ${uid}`)
    const amounts = [
      ['BTC', `0.00${between(random, 10, 99)}`],
      ['CWT', `${between(random, 1, 900)}.000`],
      ['USDT', `${between(random, 1, 900)}.${between(random, 100_000, 999_999)}140000000`],
    ] as const
    switch (command) {
      case 'returnBalances':
        return Object.fromEntries(amounts)
      case 'returnCompleteBalances':
        return Object.fromEntries(amounts.map(([asset, available]) => [asset, { available, onOrders: '0.0000' }]))
      default:
        return {}
    }
  }

  return {
    identify({ method, path, query, ip }) {
      const parameters = parseQuery(query)
      // A query that cannot be read names no command: there is nothing to count it under.
      if (parameters === undefined) return undefined
      const command = findCommand(parameterOf(parameters, 'command') ?? '')
      if (command === undefined || `${method} ${path}` !== doors[command.by]) return undefined
      const account = command.by === 'uid' ? findAccount(parameterOf(parameters, 'api_key')) : undefined
      return {
        exchange: 'coinw',
        endpoint: command.name,
        signed: command.by === 'uid',
        uid: account?.uid,
        ip,
        limits: limitsOf(command, account?.uid, ip),
        answer: () => answerCall(command, account, parameters),
      }
    },
    endpointName: text => findCommand(text)?.name,
    noSuchEndpoint: () => failure(coinwErrors.noSuchApi),
    refused: () => refusal(),
    // CoinW does not say until when.
    banned: () => refusal(),
    failed: (code, msg) => failure({ code, msg }),
    usageHeaders: () => ({}),
  }
}

/** The code is an integer here, though a success's is the string "200" (facts, 2026). */
function refusal(): Answer {
  return jsonAnswer(coinwErrors.accessFrequently, {})
}

function success(data: object): Answer {
  return jsonAnswer({ code: '200', data, msg: 'SUCCESS', success: true, failed: false })
}

function failure({ code, msg }: { code: number | string; msg: string }): Answer {
  return jsonAnswer({ code, data: null, msg, success: false, failed: true }, { code: String(code) })
}
