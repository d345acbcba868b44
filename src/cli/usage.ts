export const usage = `dataplug: cut huge objects into lazy slices

  dataplug info URI                         what the object is, and whether it is indexed
  dataplug preprocess URI                   read it once and write the index beside it
  dataplug partition URI STRATEGY [--PARAMETER VALUE ...] > slices.jsonl
  dataplug get < slices.jsonl               the slices' bytes, in order
  dataplug verify URI [< slices.jsonl]      index and object fit; slices lose and double nothing
  dataplug clean URI                        remove the index, never the object
  dataplug formats                          formats and their strategies

  dataplug index export URI --to KIND [-o FILE]   the index of a gzip or FASTA object, for another program
  dataplug index import URI --from KIND FILE      preprocess by means of another program's index;
                                                  KIND is gztool, indexed_gzip, gzi (bgzip) or fai (samtools)

  dataplug plan URI > tasks.jsonl           preprocessing by any engine that moves lines:
  dataplug task < tasks.jsonl > results.jsonl
  dataplug merge URI < results.jsonl

  URI is s3://bucket/key, https://…, file://… or a path.

  --format NAME        default: by name and first bytes
  --metadata URI       where the index lies; default: URI.dataplug
  --endpoint URL       S3-compatible server; default: AWS_ENDPOINT_URL_S3
  --region NAME
  --plugin MODULE      import a module that defines a format; may be repeated
  --chunk-size SIZE    bytes for one task, such as 64MiB (preprocess, plan, index import)
  --workers N          threads, this one counted (preprocess, index import); default 1
  --span SIZE          content between the seek points of a gzip object (preprocess, plan, index import)
  --force              preprocess or import although there is an index
  --output-dir DIR     a file for each slice (get)
  --output FILE, -o    instead of standard output (index export)
  --json               machine-readable output and errors
  --quiet              no progress
  --version, --help

  A strategy's parameters are flags: --num-chunks 8 is numChunks: 8. So are a format's options, of preprocess,
  plan and index import: --separator ';' is separator: ';'.
`
