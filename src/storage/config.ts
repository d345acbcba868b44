/** Plain data from which the same store can be opened in another thread. Never part of a slice or task. */
export interface StorageConfig {
  readonly s3?: S3Config
  readonly http?: HttpConfig
  readonly file?: FileConfig
  readonly retry?: RetryConfig
  readonly timeouts?: TimeoutConfig
  readonly split?: SplitConfig
}

export interface S3Config {
  /** Base URL of an S3-compatible server. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS. */
  readonly endpoint?: string
  readonly region?: string
  /** Bucket in the path instead of the host name. Default: true when an endpoint is set. */
  readonly forcePathStyle?: boolean
  /** Default: the SDK's provider chain. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
  /** Open connections at most. Default 50. */
  readonly maxSockets?: number
  /** Send unsigned requests, for public buckets. Default false. */
  readonly anonymous?: boolean
}

export interface HttpConfig {
  /** Sent with every request, for instance `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Bodies under way at most. Default 50; in browsers 6, what they open per host. */
  readonly maxSockets?: number
  /**
   * Send `If-Match` with pinned reads. The ETag of every response is compared anyway, and in a browser the
   * header costs a CORS preflight. Default: false in browsers, else true.
   */
  readonly ifMatch?: boolean
}

export interface FileConfig {
  /** Directory that no path may leave, and that relative paths start from. Default: no restriction. */
  readonly root?: string
  /**
   * Reads block the thread that asks, which saves a fifth of the CPU time of a scan. For threads that have nothing
   * else to do. Not for gzip, where the next bytes are read while some are decoded. Default: in worker threads.
   */
  readonly blocking?: boolean
}

export interface RetryConfig {
  /** Attempts without progress before an error is final. Default 5. */
  readonly attempts?: number
  /** First delay in ms, doubled each time with full jitter. Default 100. */
  readonly baseDelayMs?: number
  readonly maxDelayMs?: number
}

export interface TimeoutConfig {
  /** Until a connection stands. Default 10 000. */
  readonly connectMs?: number
  /** Until response headers arrive. Default 30 000. */
  readonly responseMs?: number
  /** Without a single byte of the body. Default 30 000. */
  readonly idleMs?: number
}

export interface SplitConfig {
  /** Reads longer than this many bytes are fetched as parallel parts. Default 128 MiB. */
  readonly above?: number
  /** Bytes of one part. Default 16 MiB. */
  readonly partSize?: number
  /** Parts under way at once. Default 4. */
  readonly concurrency?: number
}
