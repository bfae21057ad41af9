import { withConnection } from './connection.ts'
import { installLog } from './realtimeInstall.ts'
import { recordTagged } from './recordTagged.ts'

// A program of its own, like installQueue.ts: graphile-migrate runs it in a database that it has just made
// (`log <role of the API>`) and behind the current migration (`tables`).
const [what, reader = ''] = process.argv.slice(2)
await withConnection(process.env.GM_DBURL ?? '', (client) =>
  what === 'log' ? installLog(client, reader) : recordTagged(client),
)
