// Reads a slice whose body stalls, gives up, disposes of nothing, and must end by itself.
import { CloudObject } from 'dataplug'
import { partitionNumChunks, UTF8Text } from 'dataplug/formats/text'

const object = await CloudObject.open(UTF8Text, process.argv[2])
const [slice] = await object.partition(partitionNumChunks, { numChunks: 1 })
const controller = new AbortController()
const reason = new Error('enough')
try {
  for await (const _ of slice.chunks({ signal: controller.signal })) controller.abort(reason)
} catch (error) {
  console.log(error === reason ? 'reason' : error)
}
