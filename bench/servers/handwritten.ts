import { createHash } from 'node:crypto'
import pg from 'pg'
import { poolOf, serve } from './child.ts'
import { makeRestApp } from './restApp.ts'

// Express and pg by hand, with the same role, settings and policies as Plinth.
const pool = new pg.Pool(poolOf('AUTHENTICATOR_URL'))

const identify = `
  select set_config(caller.setting, caller.value, true) from app_private.identify($1) as caller`

serve(
  makeRestApp(
    async (request, statement) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '')
      const tokenHash = token ? createHash('sha256').update(token).digest() : null
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query({ name: 'identify', text: identify, values: [tokenHash] })
        const { rows } = await client.query<Record<string, unknown>>(statement)
        await client.query('commit')
        client.release()
        return rows
      } catch (error) {
        await client.query('rollback').then(
          () => client.release(),
          () => client.release(true),
        )
        throw error
      }
    },
    { documents: 'true' },
  ),
)
