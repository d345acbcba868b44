import type { ServerResponse } from 'node:http'
import { S3Error } from './errors.js'
import type { S3Request } from './request.js'
import { document, elements, text, texts, type XmlElement } from './xml.js'

/** One rule of a CORS configuration; `*` stands for any text, once, in origins and headers. */
export interface CorsRule {
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly maxAgeSeconds?: number
}

/** What a browser needs to read ranges from any page. */
export const OPEN_CORS: readonly CorsRule[] = [
  {
    allowedOrigins: ['*'],
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: ['*'],
    exposeHeaders: ['ETag', 'Content-Range', 'Accept-Ranges', 'Content-Length', 'Last-Modified'],
    maxAgeSeconds: 3000,
  },
]

/** Adds the headers that let the page which asked see the answer; none when no rule allows it. */
export function applyCors(request: S3Request, response: ServerResponse, rules: readonly CorsRule[]): void {
  const origin = request.header('origin')
  if (origin === undefined || rules.length === 0) return
  response.setHeader('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
  const rule = rules.find(
    (r) => matchesAny(r.allowedOrigins, origin) && r.allowedMethods.includes(request.method),
  )
  if (rule) allow(response, rule, origin)
}

/** The headers that answer a preflight. @throws AccessForbidden, InvalidRequest */
export function preflight(request: S3Request, response: ServerResponse, rules: readonly CorsRule[]): void {
  const origin = request.header('origin')
  const method = request.header('access-control-request-method')
  if (origin === undefined || method === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'Insufficient information. Origin and method request headers are needed.',
    )
  }
  const wanted = (request.header('access-control-request-headers') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const rule = rules.find(
    (r) =>
      matchesAny(r.allowedOrigins, origin) &&
      r.allowedMethods.includes(method) &&
      wanted.every((name) => matchesAny(r.allowedHeaders ?? [], name)),
  )
  if (!rule) throw new S3Error('AccessForbidden')
  response.setHeader('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
  allow(response, rule, origin)
  response.setHeader('access-control-allow-methods', rule.allowedMethods.join(', '))
  if (wanted.length > 0) response.setHeader('access-control-allow-headers', wanted.join(', '))
  if (rule.maxAgeSeconds !== undefined)
    response.setHeader('access-control-max-age', String(rule.maxAgeSeconds))
}

function allow(response: ServerResponse, rule: CorsRule, origin: string): void {
  response.setHeader('access-control-allow-origin', rule.allowedOrigins.includes('*') ? '*' : origin)
  if (rule.exposeHeaders?.length) {
    response.setHeader('access-control-expose-headers', rule.exposeHeaders.join(', '))
  }
}

function matchesAny(patterns: readonly string[], value: string): boolean {
  return patterns.some((pattern) => {
    const star = pattern.indexOf('*')
    const [head, tail] = [pattern.slice(0, star).toLowerCase(), pattern.slice(star + 1).toLowerCase()]
    const given = value.toLowerCase()
    if (star < 0) return given === pattern.toLowerCase()
    return given.length >= head.length + tail.length && given.startsWith(head) && given.endsWith(tail)
  })
}

/** @throws MalformedXML */
export function parseCors(xml: string): CorsRule[] {
  const rules = elements(xml, 'CORSRule').map((rule) => {
    const age = text(rule, 'MaxAgeSeconds')
    return {
      allowedOrigins: texts(rule, 'AllowedOrigin'),
      allowedMethods: texts(rule, 'AllowedMethod'),
      allowedHeaders: texts(rule, 'AllowedHeader'),
      exposeHeaders: texts(rule, 'ExposeHeader'),
      ...(age === undefined ? {} : { maxAgeSeconds: Number(age) }),
    }
  })
  const complete = rules.every((rule) => rule.allowedOrigins.length > 0 && rule.allowedMethods.length > 0)
  if (rules.length === 0 || !complete) throw new S3Error('MalformedXML')
  return rules
}

export function corsDocument(rules: readonly CorsRule[]): string {
  const many = (name: string, values: readonly string[] = []) => values.map((v): XmlElement => [name, v])
  return document(
    'CORSConfiguration',
    rules.map(
      (rule): XmlElement => [
        'CORSRule',
        [
          ...many('AllowedOrigin', rule.allowedOrigins),
          ...many('AllowedMethod', rule.allowedMethods),
          ...many('AllowedHeader', rule.allowedHeaders),
          ...many('ExposeHeader', rule.exposeHeaders),
          rule.maxAgeSeconds === undefined ? undefined : ['MaxAgeSeconds', rule.maxAgeSeconds],
        ],
      ],
    ),
  )
}
