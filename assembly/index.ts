// The ABI on one page: everything that crosses between TypeScript and WebAssembly.
import { INPUT, INPUT_CAPACITY, OUTPUT, OUTPUT_CAPACITY } from './memory'

export function inputPointer(): usize {
  return INPUT
}
export function inputCapacity(): i32 {
  return INPUT_CAPACITY
}
export function outputPointer(): usize {
  return OUTPUT
}
export function outputCapacity(): i32 {
  return OUTPUT_CAPACITY
}
