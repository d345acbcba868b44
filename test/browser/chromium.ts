import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const DEFAULT_PATH = '/usr/bin/chromium'

/** @throws when there is no Chromium: these tests are never skipped */
export function chromiumPath(): string {
  const path = process.env.CHROMIUM_PATH || DEFAULT_PATH
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    throw new Error(
      `no Chromium at ${path}: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to another`,
    )
  }
}

/** A browser with a profile of its own, which is removed when it is closed. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
