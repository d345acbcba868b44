import type { CorsRule } from './cors.js'
import type { Uploads } from './multipart.js'
import type { ObjectBackend } from './objects.js'

/** All that the server knows. */
export interface ServerState {
  readonly backend: ObjectBackend
  readonly uploads: Uploads
  /** By bucket; set by PutBucketCors and kept in memory. */
  readonly cors: Map<string, readonly CorsRule[]>
}
