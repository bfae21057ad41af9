import pg from 'pg'
import { withConnection } from '../src/database/connection.ts'
import { installTable } from '../src/database/realtimeInstall.ts'
import { makeProjectDatabase, type ProjectDatabase } from './projectDatabase.ts'

/** Makes a project database with two tables that are alike, but that one is recorded. */
export async function makeSubject(serverUrl: string): Promise<ProjectDatabase> {
  const database = await makeProjectDatabase(serverUrl, 'realtime')
  await withConnection(database.ownerUrl, async (client) => {
    await client.query('create schema bench')
    for (const table of ['plain', 'recorded']) {
      await client.query(
        `create table bench.${table} (id bigint generated always as identity primary key, owner_id uuid not null,
           name text not null, note text, is_open boolean not null default true, made_at timestamptz not null default now());
         alter table bench.${table} enable row level security;
         create policy select_owner on bench.${table} for select to plinth_person
           using (owner_id = (select app_public.current_person_id()))`,
      )
    }
    await installTable(client, 'bench.recorded')
  })
  return database
}

/** Median time of a write alone, writes a second by eight at once, and rows a second in bulk. */
export async function writeCosts(
  database: ProjectDatabase,
  table: string,
  seconds: number,
): Promise<string[]> {
  const insert = `insert into ${table} (owner_id, name) values (gen_random_uuid(), 'x')`
  const clients = Array.from({ length: 8 }, () => new pg.Client({ connectionString: database.ownerUrl }))
  await Promise.all(clients.map((client) => client.connect()))
  try {
    const repeat = async (client: pg.Client) => {
      const times: number[] = []
      for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
        const began = performance.now()
        await client.query(insert)
        times.push(performance.now() - began)
      }
      return times
    }
    const alone = (await repeat(clients[0]!)).toSorted((a, b) => a - b)
    const together = await Promise.all(clients.map(repeat))
    await Promise.all(clients.map((client) => client.query('set synchronous_commit = off')))
    const relaxed = await Promise.all(clients.map(repeat))
    const began = performance.now()
    await clients[0]!.query(
      `insert into ${table} (owner_id, name) select gen_random_uuid(), 'x' from generate_series(1, 20000)`,
    )
    const bulk = 20_000 / ((performance.now() - began) / 1000)
    const perSecond = (runs: number[][]) => Math.round(runs.flat().length / seconds)
    return [
      alone[Math.floor(alone.length / 2)]!.toFixed(2),
      ...[perSecond(together), perSecond(relaxed), Math.round(bulk)].map(String),
    ]
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}
