import { createGzipDecoder } from './gzip-decoder.js'
import { malformed } from './inflate-status.js'
import type { CoreMemory } from './memory.js'
import { borrowMemory, returnMemory } from './memory-pool.js'
import { coreModule } from './module.js'

/** Data of a BGZF block, at most (SAM specification, 4.1). */
const LARGEST_BGZF = 64 << 10

/** Decodes a gzip object that is pushed piece by piece. */
export interface Gunzip {
  /**
   * What the next bytes decode to, in pieces of about 64 KiB. A piece is a view that is valid until the
   * next is asked for. Iterate to the end before the next push.
   */
  push(bytes: Uint8Array): Generator<Uint8Array, void, undefined>
  /** Whether more of the data of the member that the last piece belongs to is to come. */
  readonly inData: boolean
  /** @throws MALFORMED_DATA when the object must not end here */
  finish(): void
  /**
   * Gives the decoder's memory to the next one. Its pieces are void from then on, and it may not be used
   * again. Not closing leaks nothing, but decoders that are closed make others cheaper.
   */
  close(): void
}

export interface GunzipOptions {
  /** Name of the object, for messages. */
  readonly name?: string | undefined
  /** Offset in the object of the first byte pushed, for messages. A member must start there. */
  readonly offset?: number | undefined
  /**
   * Start inside a member instead: at the block whose header is this bit of the object, which lies in the
   * first byte pushed. The checksum of this one member cannot be checked, unless it turns out to be its first block.
   */
  readonly bit?: number | undefined
  /** With `bit`: the up to 32 KiB of output before it. */
  readonly window?: Uint8Array | undefined
  /** Give an empty piece, too, whenever the trailer of a member has been checked. */
  readonly ends?: boolean | undefined
}

/**
 * A decoder for one gzip object (RFC 1952), or for its end from a seek point on. All members are decoded,
 * CRC-32 and size of each are checked, zero padding after the last is accepted.
 *
 * @throws MALFORMED_DATA (from push and finish) with the byte or bit offset of whatever is wrong
 */
export async function createGunzip(options: GunzipOptions = {}): Promise<Gunzip> {
  return pooledGunzip(await coreModule(), options)
}

/** As `createGunzip`, with a module at hand. */
export function pooledGunzip(module: WebAssembly.Module, options: GunzipOptions = {}): Gunzip {
  const memory = borrowMemory(module)
  let open = true
  const gunzip = gunzipWith(memory, options)
  return {
    push: gunzip.push,
    finish: gunzip.finish,
    get inData() {
      return gunzip.inData
    },
    close() {
      if (open) returnMemory(module, memory)
      open = false
    },
  }
}

/** As `createGunzip`, on an instance that serves nothing else meanwhile. */
export function gunzipWith(memory: CoreMemory, options: GunzipOptions = {}): Omit<Gunzip, 'close'> {
  const decoder = createGzipDecoder(memory, options)
  const { inflater } = decoder
  const { kernels, bytes: heap } = inflater.memory
  const name = options.name ?? 'the object'
  let crc = 0
  let size = 0
  let whole = options.bit === undefined
  // A block without history may be a member's first. In BGZF it is: then all that its trailer counts follows.
  let perhapsWhole = !whole && !options.window?.length

  function* push(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
    for (const step of decoder.push(bytes)) {
      if (step.kind === 'piece') {
        const piece = heap.subarray(inflater.pieceStart, inflater.pieceEnd)
        crc = kernels.crc32(piece.byteOffset, piece.length, crc)
        size += piece.length
        yield piece
      } else if (step.kind === 'end') {
        if (whole || (perhapsWhole && size === step.size && size <= LARGEST_BGZF))
          checkTrailer(step, { crc: crc >>> 0, size }, name)
        whole = true
        perhapsWhole = false
        crc = 0
        size = 0
        if (options.ends) yield heap.subarray(0, 0)
      }
    }
  }

  return {
    push,
    finish: () => decoder.finish(),
    get inData() {
      return decoder.inData
    },
  }
}

/**
 * Compares a member's trailer with its data (RFC 1952, 2.3.1: the size is modulo 2^32).
 *
 * @throws MALFORMED_DATA
 */
export function checkTrailer(
  trailer: { readonly crc: number; readonly size: number; readonly end: number },
  data: { readonly crc: number; readonly size: number },
  name: string,
): void {
  const { crc, size, end } = trailer
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  if (crc !== data.crc) {
    const found = `CRC-32 ${hex(crc)} is promised and ${hex(data.crc)} is found`
    throw malformed(`${name} is damaged in the gzip member that ends at byte ${end}: ${found}`, end - 8)
  }
  if (size !== data.size % 2 ** 32) {
    const found = `${size} bytes (modulo 2^32) are promised and ${data.size} are found`
    throw malformed(`${name} is damaged in the gzip member that ends at byte ${end}: ${found}`, end - 4)
  }
}
