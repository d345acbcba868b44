// `dataplug/compression`: indexes of gzip objects that other programs make and use.
export {
  exportGzipIndex,
  type GzipIndexKind,
  gzipIndexKinds,
  importGzipIndex,
} from './cloud/gzip-interop.js'
