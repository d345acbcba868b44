import { instantiate, type Kernels } from './kernels.js'

/** Bytes a kernel may load past the end of its input, without using them. */
const OVERREAD = 64

/** A core instance and its memory: the one owner of views on it. The memory never grows or moves. */
export interface CoreMemory {
  readonly kernels: Kernels
  /** All of the memory. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The input window, as bytes. */
  readonly input: Uint8Array<ArrayBuffer>
  /** Offset of the output window. */
  readonly output: number
  /** The output window seen as u16 and u32. */
  readonly output16: Uint16Array<ArrayBuffer>
  readonly output32: Uint32Array<ArrayBuffer>
  /**
   * Makes `bytes[start, end)` readable for kernels and returns where. Copies them to the input window, in
   * which they must fit, unless they lie in this memory already. Valid until the next call.
   */
  stage(bytes: Uint8Array, start: number, end: number): number
}

export function createMemory(module: WebAssembly.Module): CoreMemory {
  const kernels = instantiate(module)
  // The memory is not shared and its size is fixed, so this buffer is the memory for good.
  const buffer = kernels.memory.buffer
  const bytes = new Uint8Array(buffer)
  const inputAt = kernels.inputPointer()
  const output = kernels.outputPointer()
  const outputEnd = output + kernels.outputCapacity()

  function stage(source: Uint8Array, start: number, end: number): number {
    if (source.buffer === buffer) {
      const from = source.byteOffset + start
      const to = source.byteOffset + end + OVERREAD
      if (to <= buffer.byteLength && (to <= output || from >= outputEnd)) return from
    }
    bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), inputAt)
    return inputAt
  }

  return {
    kernels,
    bytes,
    input: bytes.subarray(inputAt, inputAt + kernels.inputCapacity()),
    output,
    output16: new Uint16Array(buffer, output, kernels.outputCapacity() / 2),
    output32: new Uint32Array(buffer, output, kernels.outputCapacity() / 4),
    stage,
  }
}
