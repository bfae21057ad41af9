// Longer than most: what the adaptor promises is tried on one database, through one proxy that counts and cuts.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Pool } from 'pg'
import { applySettings, type CallerSettings, makeCallerService } from '../../src/database/callerClient.ts'
import { makePool, withConnection } from '../../src/database/connection.ts'
import { maxPrepared } from '../../src/database/preparedStatements.ts'
import { toPublicError } from '../../src/errors.ts'
import { codeOf } from '../../src/fault.ts'
import { makeLog } from '../../src/log.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cuttingProxy.ts'
import { makeDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let proxy: CuttingProxy
let pool: Pool
beforeAll(async () => {
  database = await makeDatabase()
  await withConnection(database.ownerUrl, (client) =>
    client.query(`create table app_public.notes (id int primary key, who text);
                  grant select, insert on app_public.notes to plinth_person`),
  )
  const { hostname, port } = new URL(database.authenticatorUrl)
  proxy = await startCuttingProxy(hostname, Number(port))
  pool = poolThrough(3)
})
afterAll(async () => {
  await pool.end()
  await proxy.close()
  await database.drop()
})

const log = makeLog({ logLevel: 'silent' }, false)

function poolThrough(size: number): Pool {
  const url = new URL(database.authenticatorUrl)
  url.port = String(proxy.port)
  return makePool(url.toString(), size, log)
}

const clientOf = (of: Pool) => makeCallerService(of, ['app_public'], { caller: applySettings }).withPgClient
type WithClient = ReturnType<typeof clientOf>

const person: CallerSettings = { role: 'plinth_person', 'plinth.person_id': 'p' }
const whoAmI = `select current_user::text as role, current_setting('plinth.person_id', true) as id`

const ask = (withClient: WithClient, settings: CallerSettings | null, text: string, values: unknown[] = []) =>
  withClient(
    settings,
    async (client) => (await client.query<Record<string, unknown>>({ text, values: values as [] })).rows,
  )

describe('a single statement', () => {
  test('runs under the settings of its caller and leaves none behind', async () => {
    const withClient = clientOf(pool)

    const during = await ask(withClient, person, whoAmI)
    const after = await ask(withClient, null, whoAmI)

    expect(during).toEqual([{ role: 'plinth_person', id: 'p' }])
    expect(after).toEqual([{ role: 'plinth_authenticator', id: '' }])
  })

  test('takes one trip to the database, settings included', async () => {
    const single = poolThrough(1)
    const withClient = clientOf(single)
    await ask(withClient, person, whoAmI)

    proxy.heal()
    await ask(withClient, person, whoAmI)

    expect(proxy.trips()).toBe(1)
    await single.end()
  })

  test('that fails leaves neither its effect nor its settings', async () => {
    const withClient = clientOf(pool)

    const failing = ask(
      withClient,
      person,
      'insert into app_public.notes select 1, (1 / (random() * 0)::int)::text',
    )

    await expect(failing).rejects.toMatchObject({ code: '22012' })
    expect(await ask(withClient, null, whoAmI)).toEqual([{ role: 'plinth_authenticator', id: '' }])
  })

  test('under a role that is not the caller’s to take is refused as such, and does not run', async () => {
    const withClient = clientOf(pool)

    for (const role of ['no_such_role', 'plinth_owner', 'postgres']) {
      const failing = ask(withClient, { role }, `select pg_notify('ran', '')`)

      await expect(failing).rejects.toMatchObject({ name: 'AppError', code: 'FORBIDDEN' })
    }
  })

  test('whose own role is denied something keeps its own error', async () => {
    const failing = ask(clientOf(pool), person, 'select * from app_private.tokens')

    await expect(failing).rejects.toMatchObject({ name: 'error', code: '42501' })
  })

  test('with a value that cannot be sent fails by itself and spoils nothing', async () => {
    const withClient = clientOf(pool)
    const unsendable = {
      toPostgres: () => {
        throw new Error('not a value')
      },
    }

    await expect(ask(withClient, person, 'select $1::text', [unsendable])).rejects.toThrow('not a value')
    expect(await ask(withClient, person, 'select 1 as one')).toEqual([{ one: 1 }])
  })
})

describe('withTransaction', () => {
  test('keeps all of it or nothing', async () => {
    const withClient = clientOf(pool)
    const add = (ids: number[]) =>
      withClient(person, (client) =>
        client.withTransaction(async (transaction) => {
          for (const id of ids)
            await transaction.query({ text: 'insert into app_public.notes values ($1)', values: [id] })
        }),
      )

    await add([10, 11])
    await expect(add([12, 10])).rejects.toMatchObject({ code: '23505' })

    const kept = await ask(
      withClient,
      person,
      'select id from app_public.notes where id between 10 and 19 order by id',
    )
    expect(kept).toEqual([{ id: 10 }, { id: 11 }])
  })

  test('takes a trip per statement and one for the commit', async () => {
    const single = poolThrough(1)
    const withClient = clientOf(single)
    await ask(withClient, person, 'select 1')

    proxy.heal()
    await withClient(person, (client) =>
      client.withTransaction(async (transaction) => {
        await transaction.query({ text: whoAmI })
        await transaction.query({ text: whoAmI })
      }),
    )

    expect(proxy.trips()).toBe(3)
    await single.end()
  })

  test('that swallows an error does not pretend to have committed', async () => {
    const silenced = clientOf(pool)(person, (client) =>
      client.withTransaction(async (transaction) => {
        await transaction.query({ text: 'select 1 / 0' }).catch(() => {})
      }),
    )

    await expect(silenced).rejects.toThrow('rolled back')
  })

  test('inside another undoes its own part alone', async () => {
    const withClient = clientOf(pool)

    await withClient(person, (client) =>
      client.withTransaction(async (outer) => {
        await outer.query({ text: 'insert into app_public.notes values (20)' })
        await outer
          .withTransaction((inner) => inner.query({ text: 'insert into app_public.notes values (20)' }))
          .catch(() => {})
        await outer.query({ text: 'insert into app_public.notes values (21)' })
      }),
    )

    const kept = await ask(
      withClient,
      person,
      'select id from app_public.notes where id between 20 and 29 order by id',
    )
    expect(kept).toEqual([{ id: 20 }, { id: 21 }])
  })
})

describe('prepared statements', () => {
  test('are bounded on each connection, and the ones in use stay', async () => {
    const single = poolThrough(1)
    const withClient = clientOf(single)
    for (let n = 0; n < 3 * maxPrepared; n++) {
      expect(await ask(withClient, person, `select ${n} as n`)).toEqual([{ n }])
    }

    const [prepared] = await ask(
      withClient,
      null,
      `select count(*)::int as count, count(*) filter (where statement like '%json_each_text%set_config%' and statement not like '%pg_prepared%')::int as caller
       from pg_prepared_statements`,
    )

    expect(prepared!.count).toBeLessThanOrEqual(maxPrepared + 1)
    expect(prepared!.caller).toBe(1)
    await single.end()
  })

  test('that turn out wrong are not kept', async () => {
    const single = poolThrough(1)
    const withClient = clientOf(single)
    const text = 'select who from app_public.later'
    await expect(ask(withClient, person, text)).rejects.toMatchObject({ code: '42P01' })
    await withConnection(database.ownerUrl, (client) =>
      client.query(
        `create table app_public.later (who text); grant select on app_public.later to plinth_person`,
      ),
    )

    expect(await ask(withClient, person, text)).toEqual([])
    await withConnection(database.ownerUrl, (client) =>
      client.query('alter table app_public.later alter who type varchar'),
    )
    await ask(withClient, person, text).catch((error: unknown) => expect(codeOf(error)).toBe('0A000'))
    expect(await ask(withClient, person, text)).toEqual([])
    await single.end()
  })
})

describe('thousands of requests of many callers on few connections', () => {
  test('none sees another’s settings, whatever becomes of the others', async () => {
    const few = poolThrough(3)
    const withClient = clientOf(few)
    const request = async (n: number): Promise<void> => {
      const settings: CallerSettings =
        n % 3 === 0
          ? { role: 'plinth_anonymous', 'plinth.person_id': '' }
          : { role: 'plinth_person', 'plinth.person_id': `p${n}` }
      const isMine = (rows: readonly Record<string, unknown>[]) =>
        expect(rows).toEqual([{ role: settings.role, id: settings['plinth.person_id'] }])
      switch (n % 8) {
        case 0: // fails in its statement
          return expect(ask(withClient, settings, 'select 1 / 0')).rejects.toMatchObject({ code: '22012' })
        case 1: // fails in its settings
          return expect(ask(withClient, { role: 'no_such_role' }, whoAmI)).rejects.toMatchObject({
            code: 'FORBIDDEN',
          })
        case 2: // takes too long
          return expect(
            ask(withClient, { ...settings, statement_timeout: '1' }, 'select pg_sleep(5)'),
          ).rejects.toMatchObject({ code: '57014' })
        case 3: // is abandoned in the middle of a transaction
          return expect(
            withClient(settings, (client) =>
              client.withTransaction(async (transaction) => {
                isMine((await transaction.query<Record<string, unknown>>({ text: whoAmI })).rows)
                throw new Error('abandoned')
              }),
            ),
          ).rejects.toThrow('abandoned')
        case 4: // fails in a transaction
          return expect(
            withClient(settings, (client) =>
              client.withTransaction((transaction) => transaction.query({ text: 'select nonsense' })),
            ),
          ).rejects.toMatchObject({ code: '42703' })
        case 5: // does a transaction
          return withClient(settings, (client) =>
            client.withTransaction(async (transaction) => {
              isMine((await transaction.query<Record<string, unknown>>({ text: whoAmI })).rows)
              isMine((await transaction.query<Record<string, unknown>>({ text: whoAmI })).rows)
            }),
          )
        default:
          return isMine(await ask(withClient, settings, whoAmI))
      }
    }

    for (let batch = 0; batch < 60; batch++) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => request(batch * 50 + index)))
    }

    const left = await withConnection(database.superuserUrl, async (client) => {
      const { rows } = await client.query<{ state: string }>(
        `select state from pg_stat_activity where datname = current_database() and usename = 'plinth_authenticator'`,
      )
      return rows
    })
    expect(left.map(({ state }) => state).filter((state) => state !== 'idle')).toEqual([])
    expect(await ask(withClient, null, whoAmI)).toEqual([{ role: 'plinth_authenticator', id: '' }])
    expect(few.totalCount).toBeLessThanOrEqual(3)
    await few.end()
  })
})

describe('a connection lost at any byte', () => {
  test.each(['toServer', 'toClient'] as const)(
    '%s is one retryable error, and the pool is clean',
    async (direction) => {
      proxy.heal()
      const single = poolThrough(1)
      const withClient = clientOf(single)
      await ask(withClient, person, whoAmI)
      proxy.heal()
      await ask(withClient, person, whoAmI)
      const bytes = proxy.passed[direction]

      for (let cut = 0; cut < bytes; cut++) {
        proxy.heal()
        await ask(withClient, person, whoAmI) // on a whole connection, its statements prepared
        proxy.cutAfter(direction, cut)
        const failure: unknown = await ask(withClient, person, whoAmI).catch((error: unknown) => error)
        proxy.heal()

        expect(toPublicError(failure).code).toBe('UNAVAILABLE')
        expect(await ask(withClient, person, whoAmI)).toEqual([{ role: 'plinth_person', id: 'p' }])
        expect(single.totalCount).toBe(1)
      }
      expect(bytes).toBeGreaterThan(50)
      await single.end()
    },
  )
})
