/** What happened to rows, in order, by the id of the row. */
export type Ledger = ReadonlyMap<string, readonly string[]>

/** An event that names a row. */
export type Told = { id: string; event: string }

/**
 * What is wrong with what a subscriber was told: a line for each row whose events are not exactly those of
 * the ledger, in its order.
 */
export function faultsIn(told: readonly Told[], ledger: Ledger): string[] {
  const heard = new Map<string, string[]>()
  for (const { id, event } of told) heard.set(id, [...(heard.get(id) ?? []), event])
  return [...new Set([...ledger.keys(), ...heard.keys()])].flatMap((id) => {
    const [wanted, got] = [ledger.get(id) ?? [], heard.get(id) ?? []].map((events) => events.join(' '))
    return wanted === got ? [] : [`${id}: happened ${wanted || 'nothing'}; told ${got || 'nothing'}`]
  })
}
