// What pg does to a value before it is sent; reachable, but missing from its types.
declare module 'pg/lib/utils.js' {
  const utils: { prepareValue(value: unknown): string | Buffer | null }
  export = utils
}
