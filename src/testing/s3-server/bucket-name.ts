/** General purpose bucket naming rules: 3 to 63 of `a-z 0-9 . -`, which also keeps them out of other folders. */
export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..')
}
