import type { Connection } from './connection.ts'
import type { Say } from './terminal.ts'

const doorsOfMine = 'query Doors { doors { nodes { id name } } }'
const ringDoorbell = `mutation Ring($doorId: UUID!) {
  ringDoorbell(input: { doorId: $doorId }) { result { count } }
}`

/** Rings for the doors of this device; most have one. Rejects when nobody can hear of it. */
export async function ring({ ask }: Pick<Connection, 'ask'>, say: Say): Promise<void> {
  const { nodes } = (await ask(doorsOfMine)).doors as { nodes: { id: string; name: string }[] }
  if (nodes.length === 0) say('Not rung: no door has this device.')
  for (const { id, name } of nodes) {
    await ask(ringDoorbell, { doorId: id })
    say(`Rang at ${name}.`)
  }
}
