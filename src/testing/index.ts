// What plugins, stores and applications are tested with. Node only.
export {
  type ConformanceBudget,
  type ConformanceObject,
  type ConformanceStrategy,
  type ConformanceTest,
  type FormatConformanceOptions,
  formatConformance,
} from './format-conformance.js'
export * from './s3-server/index.js'
export { type StoreUnderTest, storeConformance } from './store-conformance.js'
