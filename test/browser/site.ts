import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Site extends AsyncDisposable {
  readonly url: string
  /** Bytes of the page's script. */
  readonly scriptSize: number
}

/** Bundles `page.js` from the built package, and serves the page and `data`, at `/data`. */
export async function startSite(data: Uint8Array): Promise<Site> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./page.js', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'warning',
  })
  const script = outputFiles[0]?.contents as Uint8Array
  const pages: Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>> = {
    '/': [
      'text/html',
      '<!doctype html><title>dataplug</title><script type="module" src="/page.js"></script>',
    ],
    '/page.js': ['text/javascript', script],
    '/data': ['application/octet-stream', data],
  }
  const server = createServer((request, response) => {
    const page = pages[request.url ?? '']
    response.writeHead(page ? 200 : 404, { 'content-type': page?.[0] ?? 'text/plain' })
    response.end(page?.[1])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    scriptSize: script.length,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
