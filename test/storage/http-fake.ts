// A node:http server over a map of objects that behaves well, or as the test says.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface FakeObject {
  readonly bytes: Uint8Array
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
}

/** Answers instead of the server when it returns true. `n` counts requests from 0. */
export type Fault = (request: IncomingMessage, response: ServerResponse, n: number) => boolean | undefined

export interface Fake {
  readonly origin: string
  readonly objects: Map<string, FakeObject>
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[]
  fault: Fault | undefined
  /** Sockets with a request under way. */
  busy(): number
  /** Sockets. */
  connections(): number
  close(): Promise<void>
}

export async function startFake(): Promise<Fake> {
  const objects = new Map<string, FakeObject>()
  const requests: Fake['requests'] = []
  const sockets = new Set<Socket>()
  let busy = 0
  const server = createServer((request, response) => {
    const n = requests.length
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    busy++
    response.on('close', () => busy--)
    request.resume()
    if (fake.fault?.(request, response, n)) return
    const object = objects.get(decodeURIComponent((request.url ?? '').slice(1).replace(/\?.*$/, '')))
    answer(request, response, object)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const fake: Fake = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    fault: undefined,
    busy: () => busy,
    connections: () => sockets.size,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

/** What a right answer says, so that faults can say something slightly else. */
export function rangeHeaders(object: FakeObject, start: number, end: number): Record<string, string> {
  return {
    'content-range': `bytes ${start}-${end - 1}/${object.bytes.length}`,
    'content-length': String(end - start),
    ...(object.etag === undefined ? {} : { etag: object.etag }),
    ...(object.lastModified === undefined ? {} : { 'last-modified': object.lastModified }),
  }
}

export function rangeOf(request: IncomingMessage): [start: number, end: number] | undefined {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  return match ? [Number(match[1]), Number(match[2]) + 1] : undefined
}

export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  object: FakeObject | undefined,
): void {
  if (request.method !== 'GET') {
    response.writeHead(405).end()
    return
  }
  if (!object) {
    response.writeHead(404).end('not found')
    return
  }
  const range = rangeOf(request)
  const wanted = request.headers['if-match']
  if (wanted !== undefined && wanted !== object.etag) {
    response.writeHead(412).end()
    return
  }
  if (!range) {
    const { 'content-range': _, ...headers } = rangeHeaders(object, 0, object.bytes.length)
    response.writeHead(200, headers).end(object.bytes)
    return
  }
  const [start, end] = [range[0], Math.min(range[1], object.bytes.length)]
  if (start >= object.bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${object.bytes.length}` }).end()
    return
  }
  response.writeHead(206, rangeHeaders(object, start, end)).end(object.bytes.subarray(start, end))
}

let versions = 0
export function fakeObject(bytes: Uint8Array): FakeObject {
  return { bytes, etag: `"v${++versions}"` }
}

export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i + seed, 2654435761) >>> 19
  return bytes
}

/** Array.fromAsync, which Node 20 lacks. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

export async function rejection(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}

export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!condition()) throw new Error(`still not so: ${condition}`)
}
