// What plugins, stores and applications are tested with. Node only.
export {
  type ConformanceBudget,
  type ConformanceObject,
  type ConformanceStrategy,
  type ConformanceTest,
  type FormatConformanceOptions,
  formatConformance,
} from './format-conformance.js'
