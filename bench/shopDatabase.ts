import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { withConnection } from '../src/database/connection.ts'
import { makeProjectDatabase, postmasterPid, raisePostgres } from './projectDatabase.ts'

/** How many rows there are; all follow from the number of albums, see shop.sql. */
export type ShopSize = { albums: number; tracks: number; documents: number }

export const shopSizes = {
  small: { albums: 500, tracks: 5_000, documents: 5_000 },
  full: { albums: 10_000, tracks: 100_000, documents: 100_000 },
} satisfies Record<string, ShopSize>

/** A Postgres with the shop in a migrated project database, and somebody who is signed in. */
export type ShopDatabase = {
  version: string
  /** Process id of the server, whose children are the backends. */
  postmasterPid: number
  superuserUrl: string
  ownerUrl: string
  authenticatorUrl: string
  /** As a role that row-level security does not concern and that counts as the signed-in person. */
  floorUrl: string
  /** The signed-in person's. */
  token: string
  personId: string
  /** Stops the server and removes its data. */
  close(): Promise<void>
}

/** Raises a Postgres with the shop in it. */
export async function raiseShop(size: ShopSize): Promise<ShopDatabase> {
  const server = await raisePostgres()
  try {
    return { ...(await makeShop(server.superuserUrl, size)), close: server.stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function makeShop(serverUrl: string, size: ShopSize): Promise<Omit<ShopDatabase, 'close'>> {
  const project = await makeProjectDatabase(serverUrl, 'shop')
  const { superuserUrl, ownerUrl, authenticatorUrl, password } = project

  const shop = await readFile(join(import.meta.dirname, 'shop.sql'), 'utf8')
  const person = await withConnection(ownerUrl, async (client) => {
    await client.query(`set shop.albums = ${size.albums}`)
    await client.query(shop)
    return oneRow<{ id: string; token: string }>(
      client,
      `select person_id as id, (app_private.start_session(person_id)).token
       from app_public.customers
       where id = 1`,
    )
  })
  return withConnection(superuserUrl, async (client) => {
    await client.query(`create role bench_floor login bypassrls password '${password}'`)
    await client.query('grant plinth_person to bench_floor')
    await client.query(`alter role bench_floor in database shop set plinth.person_id = '${person.id}'`)
    await client.query('vacuum (analyze)')
    await client.query('checkpoint')
    const server = await oneRow<{ version: string }>(
      client,
      `select current_setting('server_version') as version`,
    )
    return {
      version: server.version.split(' ')[0] ?? server.version,
      postmasterPid: await postmasterPid(superuserUrl),
      superuserUrl,
      ownerUrl,
      authenticatorUrl,
      floorUrl: project.urlAs('bench_floor'),
      token: person.token,
      personId: person.id,
    }
  })
}

async function oneRow<Row extends pg.QueryResultRow>(client: pg.Client, sql: string): Promise<Row> {
  const { rows } = await client.query<Row>(sql)
  if (!rows[0]) throw new Error(`A row was expected of: ${sql}`)
  return rows[0]
}
