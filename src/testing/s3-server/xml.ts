import { S3Error } from './errors.js'

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** An element's content: text, or children in order. `undefined` children are left out. */
export type XmlContent = string | number | boolean | readonly (XmlElement | undefined)[]
export type XmlElement = readonly [name: string, content: XmlContent]

/** A document with S3's namespace on its root. */
export function document(name: string, children: readonly (XmlElement | undefined)[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${NAMESPACE}">${inner(children)}</${name}>`
}

/** Error documents have no namespace. */
export function errorDocument(
  code: string,
  message: string,
  details: Readonly<Record<string, string>>,
): string {
  const children: XmlElement[] = [['Code', code], ['Message', message], ...Object.entries(details)]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner(children)}</Error>`
}

function inner(content: XmlContent): string {
  if (typeof content !== 'object') return escapeXml(String(content))
  return content.map((child) => (child ? `<${child[0]}>${inner(child[1])}</${child[0]}>` : '')).join('')
}

/** Control characters have no place in XML 1.0 but may occur in keys; references to them are what S3 sends. */
function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being escaped
  return text.replace(/[&<>"\x00-\x1f\x7f]/g, (c) => {
    const name = Object.keys(ENTITIES).find((entity) => ENTITIES[entity] === c)
    return name ? `&${name};` : `&#x${c.charCodeAt(0).toString(16)};`
  })
}

/**
 * The contents of all elements of that name, not looking inside them for further ones. Enough for the four
 * small documents that clients send; not an XML parser. @throws MalformedXML when an element is not closed.
 */
export function elements(xml: string, name: string): string[] {
  const found: string[] = []
  let at = 0
  for (;;) {
    const open = xml.indexOf(`<${name}`, at)
    if (open < 0) return found
    const after = xml.charAt(open + name.length + 1)
    if (!/[\s/>]/.test(after)) {
      at = open + 1
      continue
    }
    const start = xml.indexOf('>', open)
    if (start < 0) throw new S3Error('MalformedXML')
    if (xml.charAt(start - 1) === '/') {
      found.push('')
      at = start
      continue
    }
    const end = xml.indexOf(`</${name}>`, start)
    if (end < 0) throw new S3Error('MalformedXML')
    found.push(xml.slice(start + 1, end))
    at = end
  }
}

/** The text of the first element of that name. */
export function text(xml: string, name: string): string | undefined {
  const first = elements(xml, name)[0]
  return first === undefined ? undefined : unescapeXml(first)
}

/** The texts of all elements of that name. */
export function texts(xml: string, name: string): string[] {
  return elements(xml, name).map(unescapeXml)
}

function unescapeXml(content: string): string {
  return content.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]{2,4});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole
    const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    if (code > 0x10ffff) throw new S3Error('MalformedXML')
    return String.fromCodePoint(code)
  })
}
