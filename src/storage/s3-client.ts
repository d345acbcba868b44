import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { DataplugError } from '../errors.js'
import type { S3Config, TimeoutConfig } from './config.js'

/** What is used of the SDK. */
export type S3Sdk = Pick<
  typeof import('@aws-sdk/client-s3'),
  | 'S3Client'
  | 'GetObjectCommand'
  | 'HeadObjectCommand'
  | 'PutObjectCommand'
  | 'DeleteObjectCommand'
  | 'ListObjectsV2Command'
>

export function endpointOf(config: S3Config): string | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env
  return config.endpoint ?? (AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined)
}

/** @throws MISSING_DEPENDENCY, INVALID_ARGUMENT */
export async function createClient(
  config: S3Config,
  timeouts: Required<TimeoutConfig>,
  load: () => Promise<S3Sdk>,
): Promise<{ readonly sdk: S3Sdk; readonly client: S3Client }> {
  const endpoint = endpointOf(config)
  if (endpoint !== undefined && !/^https?:\/\//i.test(endpoint)) {
    throw new DataplugError('INVALID_ARGUMENT', `the S3 endpoint must be an http(s) URL; got "${endpoint}"`)
  }
  const sdk = await load().catch((cause: unknown) => {
    const hint = 'reading s3:// needs the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3'
    throw new DataplugError('MISSING_DEPENDENCY', hint, { cause })
  })
  const settings = clientSettings(config, endpoint, timeouts)
  const region = config.region ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION)
  if (region) return { sdk, client: new sdk.S3Client({ ...settings, region }) }

  // The shared config file may name a region; only the SDK reads it, and it throws when there is none.
  const client = new sdk.S3Client(settings)
  try {
    await client.config.region()
    return { sdk, client }
  } catch {
    client.destroy()
    return { sdk, client: new sdk.S3Client({ ...settings, region: 'us-east-1' }) }
  }
}

function clientSettings(
  config: S3Config,
  endpoint: string | undefined,
  { connectMs, responseMs }: Required<TimeoutConfig>,
): S3ClientConfig {
  // Some more than bodies, for the short requests beside them.
  const agent = { keepAlive: true, maxSockets: (config.maxSockets ?? 50) + 8 }
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  return {
    // `withRetry` is the only budget: it also resumes bodies, which the SDK does not.
    maxAttempts: 1,
    expectContinueHeader: false,
    logger: silent,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: responseMs,
      // Without this the request time-out only prints a warning.
      throwOnRequestTimeout: true,
      // Counts also while the consumer is busy and the socket paused; `deliver` has a better one.
      socketTimeout: 0,
      httpAgent: agent,
      httpsAgent: agent,
      logger: silent,
    },
    forcePathStyle: config.forcePathStyle ?? endpoint !== undefined,
    ...(endpoint === undefined
      ? { followRegionRedirects: true }
      : { endpoint, requestChecksumCalculation: 'WHEN_REQUIRED' }),
    ...(config.credentials === undefined ? {} : { credentials: config.credentials }),
    // The SDK wants credentials even for a signer that uses none.
    ...(config.anonymous
      ? {
          credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' },
          signer: { sign: async (request) => request },
        }
      : {}),
  }
}
