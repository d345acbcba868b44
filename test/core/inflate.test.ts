import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { same } from '../gzip/decode.js'
import {
  type BitWriter,
  bitWriter,
  concat,
  dynamicBlock,
  dynamicHeader,
  fixedBlock,
  type Item,
  storedBlock,
} from '../gzip/encoder.js'
import { inflateRaw, ours, type RawOptions, zlibs } from '../gzip/raw.js'
import { fastq, noise, patchwork, random } from '../gzip/samples.js'

const strategies = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
]
const samples = [
  new Uint8Array(0),
  Uint8Array.of(65),
  fastq(100_000, 1),
  patchwork(300_000, 2),
  noise(150_000, 3),
  new Uint8Array(700_000),
]

function expectSame(raw: Uint8Array, data: Uint8Array, options?: RawOptions) {
  const result = inflateRaw(raw, options)
  expect(result?.used).toBe(raw.length)
  expect(result && same(result.data, data)).toBe(true)
}

test.each(samples.map((data, i) => [i, data] as const))(
  'inflates what zlib deflates (sample %i)',
  (_, data) => {
    for (const strategy of strategies) {
      for (let level = 0; level <= 9; level++) expectSame(deflateRawSync(data, { level, strategy }), data)
    }
    for (const memLevel of [1, 9]) expectSame(deflateRawSync(data, { memLevel }), data)
  },
)

async function withFlushes(data: Uint8Array, flush: number, every: number): Promise<Uint8Array> {
  const deflate = createDeflateRaw()
  const parts: Buffer[] = []
  deflate.on('data', (part: Buffer) => parts.push(part))
  for (let at = 0; at < data.length; at += every) {
    deflate.write(data.subarray(at, at + every))
    await new Promise<void>((resolve) => deflate.flush(flush, resolve))
  }
  const ended = new Promise((resolve) => deflate.on('end', resolve))
  deflate.end()
  await ended
  return concat(parts)
}

test('inflates streams with flush points of every kind', async () => {
  const data = patchwork(100_000, 4)
  const { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK } = constants
  for (const flush of [Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK]) {
    for (const every of [1000, 33_333]) expectSame(await withFlushes(data, flush, every), data)
  }
})

test('gives the same however the input is cut', () => {
  for (const data of [fastq(30_000, 5), patchwork(30_000, 6), noise(3000, 7)]) {
    for (const level of [0, 1, 6]) {
      const raw = deflateRawSync(data, { level })
      for (const step of [1, 2, 3, 7, 8, 9, 31, 100, 4097]) expectSame(raw, data, { step })
    }
    const fixed = deflateRawSync(data, { strategy: constants.Z_FIXED })
    for (const step of [1, 5]) expectSame(fixed, data, { step })
  }
})

test('starts at every block it reports, with the window before it', () => {
  for (const [data, level] of [
    [fastq(600_000, 8), 6],
    [patchwork(600_000, 9), 1],
    [noise(400_000, 10), 6],
  ] as const) {
    const raw = deflateRawSync(data, { level, memLevel: 7 })
    const result = inflateRaw(raw, { minimum: 1 })
    expect(result?.blocks.length).toBeGreaterThan(5)
    for (const { bit, output } of result?.blocks ?? []) {
      const window = data.subarray(Math.max(0, output - 32_768), output)
      expectSame(raw, data.subarray(output), { bit, window })
    }
  }
})

test('a block may start at every bit of a byte', () => {
  const data = fastq(5000, 11)
  const raw = deflateRawSync(data)
  for (let before = 0; before < 64; before++) {
    const writer = bitWriter()
    for (let i = 0; i < before; i++) fixedBlock(writer, false, [])
    const start = writer.length
    for (let i = 0; i < raw.length * 8; i++) writer.bits((raw[i >> 3] ?? 0) >> (i & 7), 1)
    const shifted = writer.done()
    expect(same(inflateRaw(shifted)?.data ?? noise(1, 1), data)).toBe(true)
    expect(same(inflateRaw(shifted, { bit: start })?.data ?? noise(1, 1), data)).toBe(true)
  }
})

/** Lengths of a complete code: 1, 2, 3 … 14, 15, 15 bits for the given symbols, in order. */
function ladder(size: number, symbols: readonly number[]): number[] {
  const lengths = new Array<number>(size).fill(0)
  symbols.forEach((symbol, i) => {
    lengths[symbol] = Math.min(i + 1, 15)
  })
  return lengths
}

const accepted: Record<string, (writer: BitWriter) => void> = {
  'codes of 15 bits'(writer) {
    const symbols = [97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 256, 285, 257, 284, 108]
    const items: Item[] = [97, 108, 97, [258, 1], [3, 2], [250, 3], 108, 107, [257, 17], [258, 258]]
    const distances = ladder(30, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    dynamicBlock(writer, true, [...items, ...items, ...items], ladder(286, symbols), distances)
  },
  'distance 32768'(writer) {
    for (let i = 0; i < 40; i++) storedBlock(writer, false, noise(1000, i))
    const items: Item[] = [
      [258, 32_768],
      [3, 32_767],
      [258, 24_577],
      [100, 32_768],
    ]
    fixedBlock(writer, true, items)
  },
  'every distance that repeats within 16 bytes'(writer) {
    const items: Item[] = Array.from({ length: 40 }, (_, i) => i + 65)
    for (let distance = 1; distance <= 40; distance++) {
      for (const length of [3, 15, 16, 17, 31, 32, 33, 47, 48, 49, 258]) items.push([length, distance], 66)
    }
    fixedBlock(writer, true, items)
  },
  'every length and distance'(writer) {
    storedBlock(writer, false, patchwork(40_000, 12))
    const items: Item[] = []
    for (let i = 0; i < 2000; i++) items.push([3 + (i % 256), 1 + ((i * 7919) % 32_768)])
    fixedBlock(writer, true, items)
  },
  'a literal code of one symbol'(writer) {
    const lengths = new Array<number>(257).fill(0)
    lengths[256] = 1
    dynamicBlock(writer, true, [], lengths, [0])
  },
  'a distance code of one symbol'(writer) {
    dynamicBlock(
      writer,
      true,
      [97, [3, 1], [258, 1]],
      ladder(286, [97, 257, 256, 285, ...Array(12).keys()]),
      [1],
    )
  },
  'no distance code'(writer) {
    dynamicBlock(writer, true, [97, 98, 97], ladder(257, [97, 98, 256, ...Array(13).keys()]), [0])
  },
  'stored blocks of 0 and 65535 bytes'(writer) {
    storedBlock(writer, false, new Uint8Array(0))
    storedBlock(writer, false, noise(65_535, 13), 1)
    storedBlock(writer, false, new Uint8Array(0), 1)
    storedBlock(writer, true, new Uint8Array(0))
  },
  'a thousand empty blocks'(writer) {
    for (let i = 0; i < 1000; i++) fixedBlock(writer, false, [])
    storedBlock(writer, true, new Uint8Array(0))
  },
}

test.each(Object.entries(accepted))('accepts, as zlib: %s', (_, write) => {
  const writer = bitWriter()
  write(writer)
  const raw = writer.done()
  const data = inflateRawSync(raw)
  expectSame(raw, data)
  for (const step of raw.length < 5000 ? [1, 2, 11] : [997]) expectSame(raw, data, { step })
})

const complete = ladder(257, [256, ...Array(15).keys()])

function changed(lengths: readonly number[], symbol: number, length: number): number[] {
  return lengths.map((old, i) => (i === symbol ? length : old))
}

const refused: Record<string, [status: RegExp, bit: number, write: (writer: BitWriter) => void]> = {
  'block type 3': [/block type 3/, 3, (w) => w.bits(7, 3)],
  'a wrong complement of a stored length': [/stored/, 40, (w) => w.bits(1, 8).bits(5, 16).bits(5, 16)],
  '287 literal codes': [/286/, 17, (w) => w.bits(5, 3).bits(30, 5).bits(0, 5).bits(0, 4)],
  '31 distance codes': [/286/, 17, (w) => w.bits(5, 3).bits(0, 5).bits(30, 5).bits(0, 4)],
  'an oversubscribed code for code lengths': [
    /code for code lengths/,
    29,
    (w) => w.bits(5, 3).bits(0, 14).bits(0b001001001001, 12),
  ],
  'an incomplete code for code lengths': [
    /code for code lengths/,
    29,
    (w) => w.bits(5, 3).bits(0, 14).bits(0b010010010000, 12),
  ],
  'no end-of-block code': [
    /end-of-block/,
    -1,
    (w) => dynamicHeader(w, true, ladder(257, [...Array(16).keys()]), [0]),
  ],
  'an oversubscribed literal code': [
    /literal/,
    -1,
    (w) => dynamicHeader(w, true, changed(complete, 99, 1), [0]),
  ],
  'an incomplete literal code': [
    /literal/,
    -1,
    (w) => dynamicHeader(w, true, changed(complete, 256, 2), [0]),
  ],
  'an oversubscribed distance code': [/distance/, -1, (w) => dynamicHeader(w, true, complete, [1, 1, 1])],
  'an incomplete distance code': [/distance/, -1, (w) => dynamicHeader(w, true, complete, [2, 2, 2])],
  'a single distance code of 2 bits': [/distance/, -1, (w) => dynamicHeader(w, true, complete, [2])],
  'literal/length symbol 286': [/stands for nothing/, 3, (w) => w.bits(3, 3).code(0b11000110, 8)],
  'distance symbol 30': [/stands for nothing/, 18, (w) => w.bits(3, 3).code(0x30, 8).code(1, 7).code(30, 5)],
  'the missing half of a distance code': [
    /stands for nothing/,
    -1,
    (w) => {
      dynamicHeader(w, true, ladder(258, [257, 256, ...Array(14).keys()]), [1])
      w.code(0, 1).bits(1, 1)
    },
  ],
  'a distance before the start': [
    /before the start/,
    18,
    (w) => w.bits(3, 3).code(0x30, 8).code(1, 7).code(1, 5),
  ],
}

test.each(Object.entries(refused))('refuses, as zlib: %s', (_, [message, bit, write]) => {
  const writer = bitWriter()
  write(writer)
  const at = bit < 0 ? undefined : bit
  const raw = concat([writer.done(), new Uint8Array(at === undefined ? 1 : 40)])
  expect(() => inflateRawSync(raw)).toThrow(/invalid|too many|incomplete/)
  for (const step of [raw.length, 1]) {
    expect(() => inflateRaw(raw, { step })).toThrow(expect.objectContaining({ code: 'MALFORMED_DATA' }))
    expect(() => inflateRaw(raw, { step })).toThrow(message)
    if (at !== undefined) expect(() => inflateRaw(raw, { step })).toThrow(`bit ${at}:`)
  }
})

test('a window reaches exactly as far as it is long', () => {
  const writer = bitWriter()
  fixedBlock(writer, true, [[5, 100]])
  const raw = writer.done()
  const window = noise(100, 14)
  expectSame(raw, window.subarray(0, 5), { window })
  expect(() => inflateRaw(raw, { window: window.subarray(1) })).toThrow('before the start')
  expect(() => inflateRaw(raw, { window: noise(32_769, 1) })).toThrow('32768')
})

function expectAgreement(raw: Uint8Array) {
  const [mine, theirs] = [ours(raw), zlibs(raw)]
  expect(mine?.used).toBe(theirs?.used)
  if (mine && theirs) expect(same(mine.data, theirs.data)).toBe(true)
}

test('agrees with zlib on every truncation and every flipped bit of small streams', () => {
  for (const raw of [
    deflateRawSync(fastq(300, 15)),
    deflateRawSync(patchwork(300, 16), { strategy: constants.Z_FIXED }),
    deflateRawSync(noise(40, 17), { level: 0 }),
  ]) {
    for (let length = 0; length < raw.length; length++) expect(ours(raw.subarray(0, length))).toBe(undefined)
    for (let bit = 0; bit < raw.length * 8; bit++) {
      const flipped = raw.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expectAgreement(flipped)
    }
  }
})

test('agrees with zlib on damaged and random streams', () => {
  const next = random(18)
  const bases = [
    deflateRawSync(fastq(20_000, 19)),
    deflateRawSync(patchwork(20_000, 20), { level: 9 }),
    deflateRawSync(patchwork(20_000, 21), { strategy: constants.Z_FIXED }),
  ]
  for (let run = 0; run < 1500; run++) {
    const base = bases[run % bases.length] ?? new Uint8Array(0)
    const raw = base.slice(0, 100 + next() * base.length)
    for (let i = next() * 4; i > 0; i--) raw[Math.floor(next() ** 2 * raw.length)] = next() * 256
    expectAgreement(raw)
  }
  for (let run = 0; run < 1500; run++) {
    const raw = noise(300, run)
    raw[0] = run % 2 ? 4 : 5
    expectAgreement(raw)
  }
})

test('agrees with zlib on arbitrary code lengths', () => {
  const next = random(22)
  let passed = 0
  for (let run = 0; run < 1500; run++) {
    const writer = bitWriter()
    // A complete code of so many symbols, now and then spoiled in one of them.
    const lengths = (size: number, used: number) => {
      const leaves = [0]
      while (leaves.length < used) {
        const [depth = 0] = leaves.splice(Math.floor(next() ** 3 * leaves.length), 1)
        if (depth < 15) leaves.push(depth + 1, depth + 1)
        else leaves.unshift(depth)
      }
      const result = new Array<number>(size).fill(0)
      for (const leaf of leaves) result[Math.floor(next() * size)] ||= leaf
      const missing = leaves.filter((leaf) => leaf > 0)
      for (const leaf of result) if (leaf > 0) missing.splice(missing.indexOf(leaf), 1)
      for (const leaf of missing) result[result.indexOf(0)] = leaf
      if (next() < 0.1) result[Math.floor(next() * size)] = Math.floor(next() * 16)
      return result
    }
    const literals = lengths(257 + Math.floor(next() * 30), 30 + Math.floor(next() * 200))
    if (!literals[256]) literals.push(...literals.splice(256, 1, literals.find((length) => length > 0) ?? 0))
    const distances = 1 + Math.floor(next() * 30)
    dynamicHeader(
      writer,
      true,
      literals.slice(0, 286),
      lengths(distances, Math.floor(next() * distances) + 1),
    )
    const raw = concat([writer.done(), noise(60, run)])
    if (ours(raw)) passed++
    expectAgreement(raw)
  }
  expect(passed).toBeGreaterThan(20)
})
