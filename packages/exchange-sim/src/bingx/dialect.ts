import type { Account, FindAccount } from '../accounts.ts'
import type { Ban } from '../bans.ts'
import type { Instant } from '../clock.ts'
import { type Answer, type Dialect, jsonAnswer } from '../dialect.ts'
import { type Parameters, parameterOf, parseQuery } from '../query.ts'
import { checkAuth, type Problem } from './auth.ts'
import { allBalances, spotBalance, swapBalance } from './balances.ts'
import { type Income, makeIncome, selectIncome } from './income.ts'
import { type Endpoint, findEndpoint, limitsOf, uidLimit } from './limits.ts'

export interface BingxOptions {
  readonly findAccount: FindAccount
  readonly seed: number
  readonly startEpochMs: number
  readonly codes: 'documented' | 'renumbered'
  readonly incomeOrder: 'newest-first' | 'oldest-first'
}

/** The endpoint pages' words for 100421, seeds of 2024-09-24. */
const spotTimestamp: Problem = {
  code: 100421,
  msg:
    'Null timestamp or timestamp mismatch, try to run our sample code from the link ' +
    'https://bingx-api.github.io/docs/#/en-us/spot/account-api.html#Query%20Assets',
}

export function createBingx(options: BingxOptions): Dialect {
  /** Made at a UID's first call, so that many accounts cost nothing at the start. */
  const incomes = new Map<string, Income[]>()

  const isSwap = (name: string): boolean => /^[A-Z]+ \/openApi\/c?swap\//.test(name)
  const renumbered = (name: string): boolean => options.codes === 'renumbered' && isSwap(name)
  const refusalCode = (name: string): number => (renumbered(name) ? 109429 : 100410)

  function timestampProblem(name: string): Problem {
    if (!isSwap(name)) return spotTimestamp
    return { code: renumbered(name) ? 109400 : 80014, msg: 'timestamp is invalid' }
  }

  function answerCall(endpoint: Endpoint, account: Account | undefined, query: string, at: Instant): Answer {
    const parameters = parseQuery(query)
    if (endpoint.signed && account === undefined) return failure(100413, 'Incorrect apiKey', at)
    if (parameters === undefined) return failure(100400, 'the query string is malformed', at)
    if (endpoint.signed && account !== undefined) {
      const problem = checkAuth(account.secretKey, parameters, at.epochMs, timestampProblem(endpoint.name))
      if (problem !== undefined) return failure(problem.code, problem.msg, at)
    }
    const result = resultOf(endpoint.name, account?.uid ?? '', parameters, at)
    return 'code' in result ? failure(result.code, result.msg, at) : success(result.data, at)
  }

  function resultOf(name: string, uid: string, parameters: Parameters, at: Instant): { data: unknown } | Problem {
    switch (name) {
      case 'GET /openApi/swap/v3/user/balance':
        return { data: swapBalance(options.seed, uid) }
      case 'GET /openApi/spot/v1/account/balance':
        return { data: spotBalance(options.seed, uid) }
      case 'GET /openApi/account/v1/allAccountBalance': {
        const data = allBalances(options.seed, uid, parameterOf(parameters, 'accountType'))
        return data === undefined ? { code: 100400, msg: 'accountType is invalid' } : { data }
      }
      case 'GET /openApi/swap/v2/user/income': {
        const entries = incomes.get(uid) ?? makeIncome(options.seed, uid, options.startEpochMs)
        incomes.set(uid, entries)
        const chosen = selectIncome(entries, parameters, at.epochMs, options.incomeOrder)
        if ('code' in chosen) return chosen
        // The exchange says null, not an empty array, when there is nothing (facts, 2026).
        return { data: chosen.length === 0 ? null : chosen }
      }
      case 'GET /openApi/swap/v2/server/time':
        return { data: { serverTime: Math.floor(at.epochMs) } }
      default:
        return { data: {} }
    }
  }

  return {
    identify({ method, path, query, ip, header }) {
      const endpoint = findEndpoint(`${method} ${path}`)
      if (endpoint === undefined) return undefined
      // Public calls may carry a key; it is not looked at, and they are counted by IP alone.
      const account = endpoint.signed ? options.findAccount(header('x-bx-apikey')) : undefined
      const limits = limitsOf(endpoint, account?.uid, ip)
      const told = limits.find(limit => limit.name === uidLimit)
      return {
        exchange: 'bingx',
        endpoint: endpoint.name,
        uid: account?.uid,
        ip,
        limits,
        ...(told === undefined ? {} : { told }),
        answer: at => answerCall(endpoint, account, query, at),
      }
    },
    endpointName: text => findEndpoint(text.startsWith('/') ? `GET ${text}` : text)?.name,
    // Seen live with exactly these words by several public clients (2025, 2026).
    noSuchEndpoint: at => failure(100400, 'this api is not exist', at),
    refused: ({ endpoint }, at) => failure(refusalCode(endpoint), 'rate limited', at),
    banned: ({ endpoint }, ban, at) => failure(refusalCode(endpoint), banWords(ban, refusalCode(endpoint)), at),
    failed: (code, msg, at) => failure(code, msg, at),
    // A countdown in ms, not an epoch (facts, 2026): until the next call of this UID on this endpoint comes free.
    usageHeaders: ({ remaining, resetMs }) => ({
      'x-ratelimit-requests-remain': String(remaining),
      'x-ratelimit-requests-expire': String(Math.ceil(resetMs)),
    }),
  }
}

/** The seeds' words of 2024-09-24; for 109429 those of the facts, which name no inner code. Odd spaces are theirs. */
function banWords({ untilEpochMs, errors }: Ban, code: number): string {
  const until = Math.ceil(untilEpochMs)
  if (errors === undefined) {
    const rule = 'The endpoint trigger frequency limit rule is currently in the disabled period'
    return `code:${code}:${rule} and will be unblocked after ${until}`
  }
  const { count, windowMs } = errors
  const renumbered = `error requests within ${windowMs}ms`
  const documented = `error code:${errors.code} requests within ${windowMs} ms`
  const what = code === 109429 ? renumbered : documented
  return `over ${count} ${what} for this api, please verify and fix it ,can retry after time: ${until}`
}

function success(data: unknown, at: Instant): Answer {
  return jsonAnswer({ code: 0, msg: '', timestamp: Math.floor(at.epochMs), data })
}

/** All codes that mean "too many": refusals have a rule of their own, the error-count rule leaves them alone. */
const refusalCodes: ReadonlySet<string> = new Set(['100409', '100410', '109429'])

function failure(code: number | string, msg: string, at: Instant): Answer {
  const error = refusalCodes.has(String(code)) ? {} : { code: String(code) }
  return jsonAnswer({ code, msg, timestamp: Math.floor(at.epochMs), data: {} }, error)
}
