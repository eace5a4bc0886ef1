import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Reply } from './desk.ts'
import type { Answer, ExchangeName, ReceivedCall } from './dialect.ts'

export interface HttpServerOptions {
  readonly port: number
  /** Draws the length of one leg in milliseconds. */
  drawLegMs(): number
  judge(exchange: ExchangeName, call: ReceivedCall): Reply
}

export interface HttpServer {
  /** Scheme, host and port, without a slash at the end. */
  readonly url: string
  close(): Promise<void>
}

/** The documented calls carry their parameters in the query; bodies are read only to be thrown away. */
const maxBodyBytes = 65_536
const maxConnections = 10_000
const maxVirtualIps = 1000

/** Both exchanges live on one origin: their documented paths tell them apart, so base URLs need no prefix. */
const prefixes: readonly (readonly [prefix: string, exchange: ExchangeName])[] = [
  ['/openApi/', 'bingx'],
  ['/api/', 'coinw'],
]

const notFound = [404, 'exchange-sim: neither a BingX nor a CoinW path'] as const
const badIp = [400, `exchange-sim: x-sim-ip must be an address, and at most ${maxVirtualIps} of them`] as const

export async function startHttpServer({ port, drawLegMs, judge }: HttpServerOptions): Promise<HttpServer> {
  const timers = new Set<NodeJS.Timeout>()
  const virtualIps = new Set<string>()
  let closing: Promise<void> | undefined

  /** Timers cut delays down to whole milliseconds; rounding keeps the mean. A leg of 0 is not put off at all. */
  function afterLeg(action: () => void): void {
    if (closing !== undefined) return
    const delayMs = Math.round(drawLegMs())
    if (delayMs <= 0) {
      action()
      return
    }
    const timer = setTimeout(() => {
      timers.delete(timer)
      action()
    }, delayMs)
    timers.add(timer)
  }

  /** `undefined`: a virtual address that is none, or one too many. */
  function ipOf(request: IncomingMessage): string | undefined {
    const virtual = request.headers['x-sim-ip']
    if (virtual === undefined) return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    if (typeof virtual !== 'string' || !/^[\w.:-]{1,45}$/.test(virtual)) return undefined
    if (virtualIps.size >= maxVirtualIps && !virtualIps.has(virtual)) return undefined
    virtualIps.add(virtual)
    return virtual
  }

  function receive(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', ...rest] = (request.url ?? '').split('?')
    const exchange = prefixes.find(([prefix]) => path.startsWith(prefix))?.[1]
    const ip = ipOf(request)
    if (exchange === undefined || ip === undefined) {
      const [status, text] = exchange === undefined ? notFound : badIp
      response.writeHead(status, { 'content-type': 'text/plain' }).end(text)
      return
    }
    const { method = '', headers } = request
    const call: ReceivedCall = {
      method,
      path,
      query: rest.join('?'),
      ip,
      header(name) {
        const value = headers[name]
        return typeof value === 'string' ? value : undefined
      },
    }
    // From here on the call is under way: it arrives and is counted even when its caller has hung up meanwhile.
    afterLeg(() => {
      const reply = judge(exchange, call)
      if (reply === 'hang') return
      afterLeg(() => {
        if (reply === 'drop') request.socket.destroy()
        else if (!response.destroyed) send(response, reply)
      })
    })
  }

  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBodyBytes) request.destroy()
    })
    request.on('end', () => receive(request, response))
    // A caller that hangs up in the middle has not sent a call; the error is its own.
    request.on('error', () => undefined)
  })
  server.maxConnections = maxConnections
  // Longer than clients keep idle connections: closing first would break calls that are just being sent.
  server.keepAliveTimeout = 120_000

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${bound}`,
    close() {
      closing ??= new Promise(resolve => {
        for (const timer of timers) clearTimeout(timer)
        timers.clear()
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closing
    },
  }
}

function send(response: ServerResponse, { status, headers, body, cutAfterBytes }: Answer): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...headers, 'content-length': bytes.length })
  if (cutAfterBytes === undefined) response.end(bytes)
  // Only once the half is out: otherwise it would be thrown away with the connection.
  else response.write(bytes.subarray(0, cutAfterBytes), () => response.destroy())
}
