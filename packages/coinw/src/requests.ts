import { checkParams, type Exchange, type Schema, type Send, type SignedRequest, sender } from '@headgate/http'
import { COMMANDS, type Command, type CommandName } from './commands.ts'
import { judge } from './judge.ts'
import { encodeQuery, type Sent, signCoinw } from './signing.ts'

/** Set by the client. */
const RESERVED = ['api_key', 'command', 'secret_key', 'sign']

/**
 * An account's commands, the public ones too: those go unsigned, under the limits per IP alone. Keys stay in this
 * closure.
 */
export function commandsOf(exchange: Exchange, account: { apiKey: string; secretKey: string; uid: string }) {
  const { apiKey, secretKey, uid } = account
  const { baseUrl, ip, clock } = exchange
  const hide = [apiKey, secretKey]
  const headers = { 'Content-Type': 'application/json' }

  const signed = (command: string, params: Sent): SignedRequest => {
    const sign = signCoinw(params, apiKey, secretKey)
    // CoinW wants everything in the query, also in a POST.
    const query = encodeQuery({ command, ...params, api_key: apiKey, sign })
    return { method: 'POST', url: `${baseUrl}/api/v1/private?${query}`, headers, hide: [sign] }
  }
  const open = (command: string, params: Sent): SignedRequest => ({
    method: 'GET',
    url: `${baseUrl}/api/v1/public?${encodeQuery({ command, ...params })}`,
  })

  return <T>(command: CommandName, schema: Schema<T>): Send<T> => {
    const { by, read }: Command = COMMANDS[command]
    const account = by === 'uid' ? { uid } : {}
    const labels = Object.freeze({ exchange: 'coinw', ip, ...account, endpoint: command, group: 'spot' })
    const reading = { schema, scope: ['exchange', by, 'endpoint'] }
    return sender(exchange, (where, given) => {
      // CoinW leaves empty values out of what it signs, so they are not sent either.
      const params = Object.fromEntries(
        Object.entries(checkParams(where, given, RESERVED)).filter(([, value]) => value !== ''),
      )
      return {
        labels,
        repeatable: read,
        hide,
        sign: () => (by === 'uid' ? signed(command, params) : open(command, params)),
        judge: answer => judge(answer, reading, clock.epochMs()),
      }
    })
  }
}
