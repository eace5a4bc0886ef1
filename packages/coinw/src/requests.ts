import {
  type AccountKey,
  checkParams,
  type Exchange,
  type Schema,
  type Send,
  type SignedRequest,
  sender,
  type Ways,
} from '@headgate/http'
import {
  COMMANDS,
  type Command,
  type CommandName,
  type PrivateCommandName,
  type PublicCommandName,
} from './commands.ts'
import { judge } from './judge.ts'
import type { Ladder } from './ladder.ts'
import { encodeQuery, type Sent, signCoinw } from './signing.ts'

/** Set by the client. */
const RESERVED = ['api_key', 'command', 'secret_key', 'sign']

export type { Send }

/** What all calls of one client share. */
export interface Context {
  readonly exchange: Exchange
  /** Undefined: turned off. */
  readonly ladder: Ladder | undefined
}

interface Prepared<T> {
  readonly ways: Ways
  readonly hide: readonly string[]
  readonly schema: Schema<T>
  readonly key?: AccountKey
  sign(params: Sent): SignedRequest
}

/** An account's private commands. Keys stay in this closure. */
export function privateCommands(context: Context, account: { apiKey: string; secretKey: string; uid: string }) {
  const { apiKey, secretKey, uid } = account
  const { baseUrl } = context.exchange
  const hide = [apiKey, secretKey]
  const key = context.exchange.keys.of(account)
  context.ladder?.join(uid)
  const headers = { 'Content-Type': 'application/json' }
  return <T>(command: PrivateCommandName, schema: Schema<T>): Send<T> => {
    const ways = context.exchange.ways({ uid, endpoint: command, group: 'spot' })
    const sign = (params: Sent): SignedRequest => {
      const sign = signCoinw(params, apiKey, secretKey)
      // CoinW wants everything in the query, also in a POST.
      const query = encodeQuery({ command, ...params, api_key: apiKey, sign })
      return { method: 'POST', url: `${baseUrl}/api/v1/private?${query}`, headers, hide: [sign] }
    }
    return sending(context, command, { ways, hide, schema, key, sign })
  }
}

/** The public form of a command: no key, and the limits per IP alone. */
export function publicCommand<T>(context: Context, command: PublicCommandName, schema: Schema<T>): Send<T> {
  const { baseUrl } = context.exchange
  const ways = context.exchange.ways({ endpoint: command, group: 'spot' })
  const sign = (params: Sent): SignedRequest => ({
    method: 'GET',
    url: `${baseUrl}/api/v1/public?${encodeQuery({ command, ...params })}`,
  })
  return sending(context, command, { ways, hide: [], schema, sign })
}

function sending<T>({ exchange, ladder }: Context, command: CommandName, prepared: Prepared<T>): Send<T> {
  const { ways, hide, schema, key, sign } = prepared
  const { by, read }: Command = COMMANDS[command]
  const reading = { schema, scope: ['exchange', by, 'endpoint'] }
  return sender(exchange, (where, given) => {
    // CoinW leaves empty values out of what it signs, so they are not sent either.
    const params = Object.fromEntries(
      Object.entries(checkParams(where, given, RESERVED)).filter(([, value]) => value !== ''),
    )
    return {
      ...ways,
      repeatable: read,
      hide,
      ...(key && { key }),
      sign: () => sign(params),
      judge(answer, labels) {
        const verdict = judge(answer, reading, exchange.clock.epochMs())
        if ('refusal' in verdict && verdict.refusal !== undefined) ladder?.refused(labels)
        return verdict
      },
    }
  })
}
