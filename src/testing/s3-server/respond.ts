import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { crcBase64 } from './crc32.js'
import { S3Error } from './errors.js'
import { type Exchange, pause, reset } from './exchange.js'
import { statusCode } from './faults.js'
import { errorDocument } from './xml.js'

/** The way out of every answer, and the place where bodies break. */

export interface Body {
  readonly length: number
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export async function sendEmpty(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  if (await cutBeforeHeaders(exchange)) return
  const length = status === 204 || status === 304 ? {} : { 'content-length': 0 }
  begin(exchange, status, { ...length, ...headers })
  exchange.response.end()
}

export async function sendXml(exchange: Exchange, xml: string, status = 200): Promise<void> {
  const bytes = Buffer.from(xml)
  await sendBody(
    exchange,
    status,
    { 'content-type': 'application/xml' },
    { length: bytes.length, bytes: [bytes] },
  )
}

/** A HEAD gets the headers alone. */
export async function sendBody(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Body,
): Promise<void> {
  const { request, response, fault } = exchange
  const shown: OutgoingHttpHeaders = { 'content-length': body.length, ...headers }
  if (fault?.type === 'wrong-checksum') shown['x-amz-checksum-crc32'] = crcBase64(0xdeadbeef)
  if (request.method === 'HEAD') {
    if (await cutBeforeHeaders(exchange)) return
    begin(exchange, status, shown)
    response.end()
    return
  }
  begin(exchange, status, shown)
  // Headers travel with the first bytes, unless a fault may keep those back.
  if (fault) response.flushHeaders()
  if (await sendBytes(exchange, body.bytes)) response.end()
}

/** An error as S3 words it. */
export async function sendError(exchange: Exchange, error: unknown): Promise<void> {
  const known = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
  const { path } = exchange.request
  const xml = errorDocument(known.code, known.message, { ...known.facts.details, Resource: path })
  await sendErrorDocument(exchange, known.status, xml, known.facts.headers)
}

export async function sendStatusFault(exchange: Exchange): Promise<void> {
  const { fault, request } = exchange
  if (fault?.type !== 'status') return
  const xml = errorDocument(statusCode(fault), 'Injected fault.', { Resource: request.path })
  await sendErrorDocument(exchange, fault.status, xml)
}

async function sendErrorDocument(
  exchange: Exchange,
  status: number,
  xml: string,
  headers: OutgoingHttpHeaders = {},
): Promise<void> {
  const { request, response } = exchange
  const bytes = Buffer.from(xml)
  begin(exchange, status, { ...headers, 'content-type': 'application/xml', 'content-length': bytes.length })
  const shown = request.method === 'HEAD' ? undefined : bytes
  exchange.record.bytes += shown?.length ?? 0
  response.end(shown)
}

function begin({ response, record }: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  record.status = status
  response.writeHead(status, headers)
}

/** Answers without a body cannot break in it. @returns true when there is nothing left to send */
async function cutBeforeHeaders(exchange: Exchange): Promise<boolean> {
  const { fault, signal, request } = exchange
  if (request.method === 'PUT' || request.method === 'POST') return false
  if (fault?.type === 'reset') {
    await reset(exchange)
    return true
  }
  if (fault?.type === 'stall') await pause(signal, fault.ms)
  return signal.aborted
}

/** @returns true when the body went out as it should, so that the answer can be ended */
async function sendBytes(exchange: Exchange, body: Body['bytes']): Promise<boolean> {
  const { response, record, fault, signal } = exchange
  const cut = cutOf(exchange)
  const piece =
    fault?.type === 'slow' ? Math.max(1, Math.ceil(fault.bytesPerSecond / 20)) : Number.MAX_SAFE_INTEGER
  let sent = 0
  let whole = true
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length; ) {
      if (sent === cut && whole) {
        if (await breakBody(exchange)) return false
        whole = false
      }
      const room = sent < cut ? cut - sent : Number.MAX_SAFE_INTEGER
      const part = bytes.subarray(at, at + Math.min(room, piece))
      at += part.length
      sent += part.length
      record.bytes += part.length
      if (fault?.type === 'slow') await pause(signal, (part.length / fault.bytesPerSecond) * 1000)
      if (signal.aborted || !(await write(response, part, signal))) return false
    }
  }
  // A break exactly at the end is one, too.
  return sent === cut && whole ? !(await breakBody(exchange)) : true
}

function cutOf({ fault, request }: Exchange): number {
  if (request.method === 'PUT' || request.method === 'POST') return Number.MAX_SAFE_INTEGER
  if (fault?.type === 'short-body') return fault.bytes
  return fault?.type === 'reset' || fault?.type === 'stall' ? fault.afterBytes : Number.MAX_SAFE_INTEGER
}

/** @returns true when this was the end of the connection */
async function breakBody(exchange: Exchange): Promise<boolean> {
  const { fault, response, signal } = exchange
  if (fault?.type === 'stall') {
    await pause(signal, fault.ms)
    return signal.aborted
  }
  if (fault?.type === 'short-body') response.socket?.end()
  else await reset(exchange)
  return true
}

/** Resolves when the kernel has taken the bytes, so their buffer may be filled again; false when nobody can. */
function write(response: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = () => resolve(false)
    signal.addEventListener('abort', gone, { once: true })
    response.write(bytes, (error) => {
      signal.removeEventListener('abort', gone)
      resolve(!error)
    })
  })
}
