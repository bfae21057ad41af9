import { hash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { WebSocket } from 'ws'
import { withConnection } from '../src/database/connection.ts'
import { installTable } from '../src/database/realtimeInstall.ts'
import { makeProgress } from '../src/progress.ts'
import { startChild } from './childProcess.ts'
import { assertCanMeasure, cpuOfCluster, cpuOfProcess } from './processes.ts'
import { makeProjectDatabase, type ProjectDatabase, raisePostgres } from './projectDatabase.ts'
import { urlOf } from './servers.ts'
import { untilStopped } from './untilStopped.ts'

const socketCount = 2000

/**
 * What it costs to write a table that is recorded, with and without somebody who listens; and how long one
 * event takes to reach two thousand sockets, on what processor time. Writes realtime.md.
 */
export async function benchRealtime(args: string[]): Promise<void> {
  const seconds = Number(args[0] ?? 2)
  const rounds = Number(args[1] ?? 3)
  assertCanMeasure()
  const progress = makeProgress(process.stderr)

  await untilStopped(async (lifecycle, stopped) => {
    const postgres = await progress.step('Postgres', raisePostgres)
    lifecycle.onClose('Postgres', postgres.stop)
    const database = await progress.step('Database', () => makeSubject(postgres.superuserUrl))
    const server = startChild('servers/plinth.ts', {
      OWNER_URL: database.ownerUrl,
      AUTHENTICATOR_URL: database.authenticatorUrl,
      LIMIT_CONNECTIONS_PER_CALLER: String(socketCount * 2),
    })
    lifecycle.onClose('API', server.close)
    const url = await urlOf(server)
    const organization = await makeOrganization(database)

    const writes: string[][] = []
    const measureWrites = async (label: string, table: string) => {
      stopped.throwIfAborted()
      const cells = await progress.step(label, () => writeCosts(database, table, seconds))
      writes.push([label, ...cells])
    }
    await measureWrites('not recorded', 'bench.plain')
    await measureWrites('recorded, nobody listens', 'bench.recorded')
    const one = await openSockets(url, [await organization.token(organization.member)], 'doorChanged')
    await measureWrites('recorded, somebody listens', 'bench.recorded')
    one.close()

    const fans: string[][] = []
    for (const { label, tokens, operation, count } of await audiences(organization)) {
      stopped.throwIfAborted()
      const audience = await progress.step(label, () => openSockets(url, tokens, operation))
      const samples: number[][] = []
      for (let round = 0; round < rounds; round++) {
        const pids = [server.pid, await postmasterOf(postgres.superuserUrl)] as const
        const before = [cpuOfProcess(pids[0]), cpuOfCluster(pids[1])] as const
        const began = performance.now()
        await organization.touch()
        const { first, last } = await audience.told(count)
        await sleep(300) // what does not tell anybody anything ends too
        const after = [cpuOfProcess(pids[0]), cpuOfCluster(pids[1])] as const
        samples.push([
          first - began,
          last - began,
          (after[0] - before[0]) / 1000,
          (after[1] - before[1]) / 1000,
        ])
      }
      audience.close()
      fans.push([label, String(count), ...[0, 1, 2, 3].map((place) => median(samples, place))])
    }

    const text = report(writes, fans, seconds, rounds)
    await writeFile(join(import.meta.dirname, 'results/realtime.md'), text)
    process.stdout.write(text)
  })
}

async function makeSubject(serverUrl: string): Promise<ProjectDatabase> {
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
async function writeCosts(database: ProjectDatabase, table: string, seconds: number): Promise<string[]> {
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

type Organization = Awaited<ReturnType<typeof makeOrganization>>

/** An organization with a door, a member, and ways to make more of both. */
async function makeOrganization({ ownerUrl }: ProjectDatabase) {
  const ask = (sql: string, values: unknown[] = []) =>
    withConnection(ownerUrl, async (client) => (await client.query<{ id: string }>(sql, values)).rows)
  const id = async (sql: string, values: unknown[] = []) => (await ask(sql, values))[0]!.id
  const organizationId = await id(
    `insert into app_public.organizations (name) values ('Studio') returning id`,
  )
  const officeId = await id(
    `insert into app_public.offices (organization_id, name) values ($1, 'Main') returning id`,
    [organizationId],
  )
  const doorId = await id(
    `insert into app_public.doors (organization_id, office_id, name) values ($1, $2, 'Front') returning id`,
    [organizationId, officeId],
  )
  const people = (count: number) =>
    ask(
      `insert into app_public.people (name) select 'P' || n from generate_series(1, $1) as n returning id`,
      [count],
    )
  const join = (people: { id: string }[]) =>
    ask(
      `insert into app_public.memberships (organization_id, person_id, role)
       select $1, person_id, 'member' from unnest($2::uuid[]) as person_id`,
      [organizationId, people.map((person) => person.id)],
    )
  const tokens = async (people: { id: string }[]) => {
    const made = people.map(() => randomBytes(32).toString('hex'))
    await ask(
      `insert into app_private.sessions (person_id, token_hash)
       select person_id, token_hash from unnest($1::uuid[], $2::bytea[]) as session (person_id, token_hash)`,
      [people.map((person) => person.id), made.map((token) => hash('sha256', token, 'buffer'))],
    )
    return made
  }
  const [member] = await people(1)
  await join([member!])
  return {
    member: member!,
    doorId,
    people,
    join,
    tokens,
    token: async (person: { id: string }) => (await tokens([person]))[0]!,
    touch: () => ask(`update app_public.doors set name = name || '' where id = $1`, [doorId]),
  }
}

/** Who listens: how many sockets with which tokens, to what, and how many of them are told. */
async function audiences({ people, join, tokens, token, member, doorId }: Organization) {
  const members = await people(socketCount)
  await join(members)
  const strangers = await people(socketCount - 1)
  const own = await token(member)
  const other = '00000000-0000-4000-8000-000000000000'
  return [
    {
      label: `${socketCount} members`,
      tokens: await tokens(members),
      operation: 'doorChanged',
      count: socketCount,
    },
    {
      label: `one member, ${socketCount} sockets`,
      tokens: Array.from({ length: socketCount }, () => own),
      operation: 'doorChanged',
      count: socketCount,
    },
    {
      label: `one member among ${socketCount - 1} strangers`,
      tokens: [own, ...(await tokens(strangers))],
      operation: 'doorChanged',
      count: 1,
    },
    {
      label: `one who asked for that door among ${socketCount - 1} for another`,
      tokens: await tokens(members),
      operation: (index: number) => `doorChanged(id: "${index === 0 ? doorId : other}")`,
      count: 1,
    },
  ]
}

/** Opens sockets and subscribes on each; resolves once all have begun. */
async function openSockets(
  url: string,
  tokens: readonly string[],
  operation: string | ((index: number) => string),
) {
  const sockets: WebSocket[] = []
  let count = 0
  let first = 0
  let last = 0
  let counted = () => {}
  const open = (token: string, index: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws')
      sockets.push(socket)
      socket.on('error', reject)
      socket.on('open', () =>
        socket.send(
          JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
        ),
      )
      socket.on('message', (data: Buffer) => {
        const { type } = JSON.parse(data.toString()) as { type: string }
        const field = typeof operation === 'string' ? operation : operation(index)
        if (type === 'connection_ack') {
          const query = `subscription { ${field} { event id cursor door { name office { name } } } }`
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
        } else if (type === 'next') {
          resolve() // the first says that it has started
          last = performance.now()
          if (count++ === 0) first = last
          counted()
        }
      })
    })
  const waiting = tokens.map((token, index) => () => open(token, index))
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next()
    }),
  )
  count = 0
  return {
    told: (wanted: number) =>
      new Promise<{ first: number; last: number }>((resolve) => {
        counted = () => {
          if (count < wanted) return
          count = 0
          resolve({ first, last })
        }
        counted()
      }),
    close: () => sockets.forEach((socket) => socket.terminate()),
  }
}

const postmasterOf = (superuserUrl: string) =>
  withConnection(superuserUrl, async (client) => {
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\n', 1) as pid`,
    )
    return Number(rows[0]!.pid)
  })

const median = (samples: readonly (readonly number[])[], place: number) => {
  const sorted = samples.map((sample) => sample[place]!).toSorted((a, b) => a - b)
  return String(Math.round(sorted[Math.floor(sorted.length / 2)]!))
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function report(writes: string[][], fans: string[][], seconds: number, rounds: number): string {
  return `# Realtime

\`npm run bench -- realtime\`; Node ${process.versions.node}, ${cpus().length} cores that clients, API and Postgres share.

## A write to a table

Inserts of one row, ${seconds} seconds each; commits are durable where nothing else is said.

${table(['table', 'alone, median ms', '8 at once, per s', '8 at once, commits not durable, per s', 'in bulk, rows per s'], writes)}

## One event to ${socketCount} sockets

From sending the change to the arrival of the event, with the row and a row that belongs to it; medians of ${rounds}
rounds.

${table(['who listens', 'are told', 'first, ms', 'last, ms', 'CPU of the API, ms', 'CPU of Postgres, ms'], fans)}
`
}
