import { fromBase64 } from '../base64.js'
import { DataplugError } from '../errors.js'

let shared: WebAssembly.Module | Promise<WebAssembly.Module> | undefined

function unavailable(cause: unknown): DataplugError {
  return new DataplugError(
    'UNSUPPORTED',
    `the WebAssembly core cannot be compiled here (${cause}): pass a compiled "dataplug/core.wasm" to useModule()`,
    { cause },
  )
}

async function compile(): Promise<WebAssembly.Module> {
  try {
    const { wasmBase64 } = await import('./wasm.generated.js')
    return await WebAssembly.compile(fromBase64(wasmBase64))
  } catch (cause) {
    shared = undefined
    throw unavailable(cause)
  }
}

/**
 * The compiled core, compiled on first use and once per thread. A module can be posted to other threads.
 *
 * @throws UNSUPPORTED when WebAssembly with SIMD is missing, or compiling is forbidden.
 */
export async function coreModule(): Promise<WebAssembly.Module> {
  shared ??= compile()
  return shared
}

/**
 * As `coreModule`, without waiting. Browsers may refuse to compile on their main thread.
 *
 * @throws UNSUPPORTED as `coreModule`.
 */
export function coreModuleSync(base64: string): WebAssembly.Module {
  if (shared instanceof WebAssembly.Module) return shared
  try {
    const module = new WebAssembly.Module(fromBase64(base64))
    shared = module
    return module
  } catch (cause) {
    throw unavailable(cause)
  }
}

/**
 * Makes this thread use `module` instead of compiling its own: one that another thread compiled, or one
 * that a bundler or a host that forbids code generation made of `dataplug/core.wasm`. Call it before
 * anything else of dataplug; what exists already keeps the module it has.
 */
export function useModule(module: WebAssembly.Module): void {
  shared = module
}
