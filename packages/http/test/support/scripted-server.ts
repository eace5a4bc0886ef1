import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the server does with one request. */
export type Reply = Plain | ((request: SeenRequest) => Plain)

type Plain =
  | { readonly status?: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Cuts the connection before any answer. */
  | 'drop'
  /** Never answers. */
  | 'hang'
  /** Sends headers and half a body, then cuts the connection. */
  | 'break-body'
  /** Sends headers and half a body, then nothing. */
  | 'hang-body'

interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

export interface ScriptedServer {
  readonly url: string
  readonly requests: readonly SeenRequest[]
  /** Resolves when `count` requests have come. */
  received(count: number): Promise<void>
  close(): Promise<void>
}

/**
 * A server on loopback that answers by a script: the n-th request gets the n-th reply, the last one is for all later.
 */
export async function scriptedServer(...script: readonly Reply[]): Promise<ScriptedServer> {
  const requests: SeenRequest[] = []
  const waiting = new Set<{ count: number; resolve: () => void }>()
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers })
    const reply = script[Math.min(requests.length, script.length) - 1] ?? {}
    answer(response, typeof reply === 'function' ? reply({ method, url, headers }) : reply)
    for (const each of waiting) if (requests.length >= each.count) each.resolve()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    received: count =>
      new Promise(resolve => {
        if (requests.length >= count) resolve()
        else waiting.add({ count, resolve })
      }),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, reply: Plain): void {
  if (reply === 'hang') return
  if (reply === 'drop') {
    response.socket?.destroy()
    return
  }
  if (typeof reply === 'string') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{"code":0,', () => {
      if (reply === 'break-body') response.socket?.destroy()
    })
    return
  }
  response.writeHead(reply.status ?? 200, reply.headers)
  response.end(reply.body ?? '')
}
