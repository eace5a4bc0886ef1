import type { Account, FindAccount } from '../accounts.ts'
import type { Ban } from '../ban-book.ts'
import type { Instant } from '../clock.ts'
import { type Answer, type Dialect, jsonAnswer, pageAnswer } from '../dialect.ts'
import { type Parameters, parameterOf, parseQuery } from '../query.ts'
import { createRandom } from '../random.ts'
import { checkAuth, type Problem } from './auth.ts'
import { allBalances, spotBalance, swapBalance } from './balances.ts'
import { type Codes, createCodeOf, isFutures, refusalCodes } from './codes.ts'
import { bingxErrors } from './errors.ts'
import { selectIncome } from './income.ts'
import type { IncomeBook } from './income-book.ts'
import { type Endpoint, findEndpoint, limitsOf, toldLimit } from './limits.ts'
import { type UsageHeaders, usageHeaders } from './usage-headers.ts'

/** How the answers look. */
export interface BingxLooks {
  readonly codes: Codes
  readonly incomeOrder: 'newest-first' | 'oldest-first'
  readonly usageHeaders: UsageHeaders
  readonly bodyTimestamp: boolean
  readonly refusalStatus: 200 | 429
}

export interface BingxOptions {
  readonly findAccount: FindAccount
  readonly seed: number
  readonly incomes: IncomeBook
  readonly looks: BingxLooks
}

export function createBingx({ findAccount, seed, incomes, looks }: BingxOptions): Dialect {
  const codeOf = createCodeOf(looks.codes, createRandom(seed, 'codes'))
  const lies = createRandom(seed, 'usage headers')

  function answerCall(endpoint: Endpoint, account: Account | undefined, query: string, at: Instant): Answer {
    const result = resultOf(endpoint, account, query, at)
    if ('data' in result) return success(result.data, at)
    return failure(codeOf(endpoint.name, result.code), result.msg, at)
  }

  function resultOf(
    { name, signed }: Endpoint,
    account: Account | undefined,
    query: string,
    at: Instant,
  ): { data: unknown } | Problem {
    const parameters = parseQuery(query)
    if (signed && account === undefined) return bingxErrors.incorrectApiKey
    if (parameters === undefined) return bingxErrors.badParameter
    if (signed && account !== undefined) {
      const stale = isFutures(name) ? bingxErrors.timestampInvalid : bingxErrors.timestampMismatch
      const problem = checkAuth(account.secretKey, parameters, at.epochMs, stale)
      if (problem !== undefined) return problem
    }
    return dataOf(name, account?.uid ?? '', parameters, at)
  }

  function dataOf(name: string, uid: string, parameters: Parameters, at: Instant): { data: unknown } | Problem {
    switch (name) {
      case 'GET /openApi/swap/v3/user/balance':
        return { data: swapBalance(seed, uid) }
      case 'GET /openApi/spot/v1/account/balance':
        return { data: spotBalance(seed, uid) }
      case 'GET /openApi/account/v1/allAccountBalance': {
        const data = allBalances(seed, uid, parameterOf(parameters, 'accountType'))
        return data === undefined ? { code: 100400, msg: 'accountType is invalid' } : { data }
      }
      case 'GET /openApi/swap/v2/user/income': {
        const symbol = parameterOf(parameters, 'symbol')
        if (symbol !== undefined && !incomes.knows(symbol)) {
          const { code, msg } = bingxErrors.symbolNotExist
          return { code, msg: msg.replace('CATI-USDT', symbol) }
        }
        const chosen = selectIncome(incomes.read(uid, at), parameters, at.epochMs, looks.incomeOrder)
        if ('code' in chosen) return chosen
        // The exchange says null, not an empty array, when there is nothing (facts, 2026).
        return { data: chosen.length === 0 ? null : chosen }
      }
      case 'GET /openApi/account/v1/uid':
        return { data: { uid } }
      case 'GET /openApi/swap/v2/server/time':
        return { data: { serverTime: Math.floor(at.epochMs) } }
      default:
        return { data: {} }
    }
  }

  function envelope(code: number | string, msg: string, data: unknown, at: Instant): object {
    return looks.bodyTimestamp ? { code, msg, timestamp: Math.floor(at.epochMs), data } : { code, msg, data }
  }

  function success(data: unknown, at: Instant): Answer {
    return jsonAnswer(envelope(0, '', data, at))
  }

  function failure(code: number | string, msg: string, at: Instant, status = 200): Answer {
    const error = refusalCodes.has(String(code)) ? {} : { code: String(code) }
    return jsonAnswer(envelope(code, msg, {}, at), error, status)
  }

  return {
    identify({ method, path, query, ip, header }) {
      const endpoint = findEndpoint(`${method} ${path}`)
      if (endpoint === undefined) return undefined
      // Public calls may carry a key; it is not looked at, and they are counted by IP alone.
      const account = endpoint.signed ? findAccount(header('x-bx-apikey')) : undefined
      const limits = limitsOf(endpoint, account?.uid, ip)
      const told = toldLimit(limits, endpoint)
      return {
        exchange: 'bingx',
        endpoint: endpoint.name,
        signed: endpoint.signed,
        uid: account?.uid,
        ip,
        limits,
        ...(told === undefined ? {} : { told }),
        answer: at => answerCall(endpoint, account, query, at),
      }
    },
    endpointName: text => findEndpoint(text.startsWith('/') ? `GET ${text}` : text)?.name,
    noSuchEndpoint: at => failure(bingxErrors.noSuchApi.code, bingxErrors.noSuchApi.msg, at),
    refused({ endpoint }, at) {
      const { code, msg } = bingxErrors.rateLimited
      return failure(codeOf(endpoint, code), msg, at, looks.refusalStatus)
    },
    banned({ endpoint }, ban, at) {
      if (ban.status !== undefined) return pageAnswer(ban.status, ban.status === 403 ? 'Forbidden' : "I'm a teapot")
      const { code, msg } = banWords(ban, codeOf(endpoint, bingxErrors.rateLimited.code))
      return failure(code, msg, at, looks.refusalStatus)
    },
    failed: (code, msg, at) => failure(code, msg, at),
    usageHeaders: (usage, at) => usageHeaders(looks.usageHeaders, usage, at, lies),
  }
}

/** The seeds' words of 2024-09-24; for 109429 those of the facts, which name no inner code. Odd spaces are theirs. */
function banWords({ untilEpochMs, errors }: Ban, refusalCode: number): Problem {
  const until = Math.ceil(untilEpochMs)
  if (errors === undefined) {
    const rule = 'The endpoint trigger frequency limit rule is currently in the disabled period'
    return { code: refusalCode, msg: `code:${refusalCode}:${rule} and will be unblocked after ${until}` }
  }
  // Errors of several codes have no inner code to name, and were seen under 109429 only.
  const code = errors.code === undefined ? 109429 : refusalCode
  const { count, windowMs } = errors
  const what =
    code === 109429 ? `error requests within ${windowMs}ms` : `error code:${errors.code} requests within ${windowMs} ms`
  return { code, msg: `over ${count} ${what} for this api, please verify and fix it ,can retry after time: ${until}` }
}
