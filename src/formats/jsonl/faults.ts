/**
 * The rest of a sentence that begins with a line's place: what it is instead of one JSON value. Tells the mistakes
 * that concern the whole object, JSON that is not cut into lines, from those of one line.
 *
 * @param cause what `JSON.parse` threw
 */
export function whatIsWrong(line: string, cause: unknown): string {
  const end = endOfValue(line)
  const excerpt = near(line, 0)
  if (end === undefined) {
    return (
      `starts a JSON value that does not end on it (${excerpt}): the line was cut off, or this is a JSON document over ` +
      'several lines and not JSON Lines. Convert it first, for example with jq -c .'
    )
  }
  const rest = line.slice(end).trimStart()
  if (end > 0 && rest === ',') {
    return (
      `ends with a comma (${near(line, end - 30)}): this looks like an array over several lines, not JSON Lines. ` +
      'Convert it first, for example with jq -c .[]'
    )
  }
  if (end > 0 && /^[[{"\w-]/.test(rest) && isValue(line.slice(0, end))) {
    return (
      `has more than one JSON value (${near(line, end - 20)}): this looks like concatenated JSON, not JSON Lines. ` +
      'Convert it first, for example with jq -c .'
    )
  }
  return `is not a JSON value (${excerpt}): ${(cause as Error).message}`
}

/**
 * Where the first object, array, string or word of a line ends; undefined when brackets or quotes stay open. Looks
 * at brackets and quotes only.
 */
function endOfValue(line: string): number | undefined {
  let depth = 0
  let at = 0
  while (at < line.length) {
    const character = line[at] as string
    if (character === '"') {
      const end = endOfString(line, at)
      if (end === undefined) return undefined
      at = end
      if (depth === 0) return at
      continue
    }
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') {
      depth--
      if (depth <= 0) return depth < 0 ? 0 : at + 1
    } else if (depth === 0 && !/\s/.test(character)) {
      const word = /^[\w.+-]+/.exec(line.slice(at, at + 1000))
      return word ? at + word[0].length : 0
    }
    at++
  }
  return depth === 0 ? 0 : undefined
}

/** Just after the closing quote of the string that starts at `at`. */
function endOfString(line: string, at: number): number | undefined {
  for (let i = at + 1; i < line.length; i++) {
    if (line[i] === '\\') i++
    else if (line[i] === '"') return i + 1
  }
  return undefined
}

function isValue(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function near(line: string, from: number): string {
  const start = Math.max(0, from)
  const part = line.slice(start, start + 60)
  return JSON.stringify(`${start > 0 ? '…' : ''}${part}${start + 60 < line.length ? '…' : ''}`)
}
