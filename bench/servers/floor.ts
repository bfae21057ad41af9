import pg from 'pg'
import { poolOf, serve } from './child.ts'
import { makeRestApp } from './restApp.ts'

// The same handlers with no security at all, the least that Express and pg can take: every request is
// one statement of a role that no policy concerns.
const pool = new pg.Pool(poolOf('FLOOR_URL'))

serve(
  makeRestApp(async (_request, statement) => (await pool.query<Record<string, unknown>>(statement)).rows, {
    documents: 'organization_id = any (array(select app_hidden.my_organization_ids()))',
  }),
)
