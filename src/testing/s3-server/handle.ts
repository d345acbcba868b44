import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Authorised } from './auth.js'
import { applyCors, type CorsRule, preflight } from './cors.js'
import { plainDigester } from './digests.js'
import { type Exchange, pause, type RequestRecord } from './exchange.js'
import type { Fault, FaultPlan } from './faults.js'
import { parseRequest, type S3Request } from './request.js'
import { sendEmpty, sendError, sendStatusFault } from './respond.js'
import { route } from './route.js'
import { UNSIGNED } from './sigv4.js'
import type { ServerState } from './state.js'

export interface Service {
  readonly state: ServerState
  readonly faults: FaultPlan
  readonly requests: RequestRecord[]
  readonly cors: readonly CorsRule[]
  authorise(request: S3Request): Authorised
}

/** One request, from its headers to the end of its answer. Never rejects. */
export async function handle(
  service: Service,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  // A reason of one's own costs less than the error that would be made for it.
  response.once('close', () => gone.abort('closed'))
  // A client that goes away mid-upload is an error of this stream only.
  message.on('error', () => {})
  const record: RequestRecord = {
    method: message.method ?? '',
    bucket: '',
    key: '',
    query: message.url?.split('?').slice(1).join('?') ?? '',
    range: message.headers.range,
    fault: undefined,
    status: 0,
    bytes: 0,
  }
  service.requests.push(record)
  response.setHeader('x-amz-request-id', String(service.requests.length))
  const request = emptyRequest(message)
  const signal = gone.signal
  const start = {
    message,
    response,
    record,
    request,
    signal,
    fault: undefined,
    authorised: { payload: UNSIGNED },
  }
  let exchange: Exchange = start
  try {
    exchange = { ...start, request: parseRequest(message) }
    record.bucket = exchange.request.bucket
    record.key = exchange.request.key
    await answer(service, exchange)
  } catch (error) {
    if (response.headersSent || signal.aborted) response.destroy()
    else await sendError(exchange, error)
  } finally {
    // What is left of an upload that was refused, so that the connection can take the next request.
    message.resume()
  }
}

async function answer(service: Service, exchange: Exchange): Promise<void> {
  const { state } = service
  const { request, response, record } = exchange
  const rules = state.cors.get(request.bucket) ?? service.cors
  if (request.method !== 'OPTIONS') applyCors(request, response, rules)
  const fault = service.faults.take(request)
  record.fault = fault?.type
  const faulty = { ...exchange, fault }
  if (fault && (await breakEarly(faulty, state, fault))) return
  if (request.method === 'OPTIONS') {
    preflight(request, response, rules)
    return sendEmpty(faulty, 200)
  }
  const authorised = service.authorise(request)
  await route(request, state)({ ...faulty, authorised }, state)
}

/** Faults that come before an answer. @returns true when there will be none */
async function breakEarly(exchange: Exchange, state: ServerState, fault: Fault): Promise<boolean> {
  switch (fault.type) {
    case 'status':
      await sendStatusFault(exchange)
      return true
    case 'no-headers':
      exchange.message.resume()
      await pause(exchange.signal)
      return true
    case 'delay':
      await pause(exchange.signal, fault.ms)
      return exchange.signal.aborted
    case 'replace':
      await replace(exchange.request, state, Buffer.from(fault.body))
      return false
    default:
      return false
  }
}

/** The headers of the object stay as they are. */
async function replace(
  { bucket, key }: S3Request,
  { backend }: ServerState,
  body: Uint8Array,
): Promise<void> {
  if (!backend.hasBucket(bucket) || key === '') return
  const digester = plainDigester()
  const staging = backend.stage()
  digester.update(body)
  await staging.write(body)
  const staged = await staging.finish()
  const { md5: etag, crc32 } = digester.end(new Map())
  backend.publish(bucket, key, staged, { etag, crc32, headers: backend.stat(bucket, key)?.headers ?? {} })
}

/** Stands in for a request line that could not be read. */
function emptyRequest(message: IncomingMessage): S3Request {
  const header = () => undefined
  return {
    method: message.method ?? '',
    path: '',
    bucket: '',
    key: '',
    query: [],
    headers: [],
    param: header,
    header,
  }
}
