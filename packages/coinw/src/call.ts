import { type CallByName, callByName, describe } from '@headgate/http'
import {
  COMMANDS,
  type CommandName,
  isPublic,
  type PrivateCommandName,
  type PublicCommandName,
  type ReadCommandName,
} from './commands.ts'
import { type Context, type privateCommands, publicCommand, type Send } from './requests.ts'
import { anything } from './responses.ts'

/** Any command. */
export type AccountCall = CallByName<CommandName, ReadCommandName, object>

/** Any public command: they all only read. */
export type PublicCall = CallByName<PublicCommandName, PublicCommandName, object>

/** The calls by name of one client. Each is made once: the scheduler knows a command's labels by their identity. */
export class Calls {
  readonly #context: Context
  readonly #public = new Map<PublicCommandName, Send<unknown>>()

  constructor(context: Context) {
    this.#context = context
  }

  readonly public: PublicCall = callByName((command, params, options) => {
    checkCommand('coinw.call', command)
    const where = `coinw.call("${command}")`
    // A caller without types may ask for any.
    if (!isPublic(command)) {
      throw new TypeError(`${where}: expected a public command, got a private one, which account.call is for`)
    }
    return { where, send: this.#send(command), params, isRead: true, options }
  })

  /** Of an account, whose keys stay in `command`. */
  of(command: ReturnType<typeof privateCommands>): AccountCall {
    const made = new Map<PrivateCommandName, Send<unknown>>()
    return callByName((name, params, options) => {
      checkCommand('account.call', name)
      const where = `account.call("${name}")`
      // Market data goes unsigned and is counted by IP, whoever asks.
      if (isPublic(name)) return { where, send: this.#send(name), params, isRead: true, options }
      const send = made.get(name) ?? command(name, anything)
      made.set(name, send)
      return { where, send, params, isRead: COMMANDS[name].read, options }
    })
  }

  #send(command: PublicCommandName): Send<unknown> {
    const send = this.#public.get(command) ?? publicCommand(this.#context, command, anything)
    this.#public.set(command, send)
    return send
  }
}

function checkCommand(where: string, command: unknown): asserts command is CommandName {
  if (typeof command === 'string' && Object.hasOwn(COMMANDS, command)) return
  throw new TypeError(`${where}: expected one of ${Object.keys(COMMANDS).join(', ')}, got ${describe(command)}`)
}
