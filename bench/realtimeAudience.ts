import { WebSocket } from 'ws'
import { withConnection } from '../src/database/connection.ts'
import type { ProjectDatabase } from './projectDatabase.ts'

/** How many are told of an event. */
export const socketCount = 2000

type Organization = Awaited<ReturnType<typeof makeOrganization>>

/** An organization with a door, a member, and ways to make more of both. */
export async function makeOrganization({ ownerUrl }: ProjectDatabase) {
  const ask = <Row extends object = { id: string }>(sql: string, values: unknown[] = []) =>
    withConnection(ownerUrl, async (client) => (await client.query<Row>(sql, values)).rows)
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
    const started = await ask<{ token: string }>(
      `select session.token
       from unnest($1::uuid[]) as person_id
       cross join lateral app_private.start_session(person_id) as session`,
      [people.map((person) => person.id)],
    )
    return started.map(({ token }) => token)
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
export async function audiences({ people, join, tokens, token, member, doorId }: Organization) {
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
export async function openSockets(
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
