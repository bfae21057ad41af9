import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { makeDatabase, type TestDatabase, useTransaction } from '../support/database.ts'
import { makePerson } from '../support/people.ts'

const as = useTransaction()

const from = (address: string) =>
  as.owner(`select set_config('plinth.request', $1, true)`, [JSON.stringify({ address })])
const count = async (sql: string, value: unknown) => {
  const [row] = await as.anonymous(`select ${sql} as wait`, [value])
  return row!.wait as number | null
}
const signIn = (email: string) => count('app_hidden.count_sign_in($1)', email)
const times = async (most: number, attempt: () => Promise<unknown>) => {
  const waits: unknown[] = []
  for (let number = 0; number < most; number++) waits.push(await attempt())
  return waits
}

describe('app_hidden.count_sign_in', () => {
  test('the eleventh attempt at an address has to wait, whether or not anybody has the address', async () => {
    await makePerson(as.owner, 'Mia')

    for (const email of ['mia@example.com', 'nobody@example.com']) {
      expect(await times(10, () => signIn(email))).toEqual(Array(10).fill(null))
      expect(await signIn(email)).toBeGreaterThan(890)
      expect(await signIn(` ${email.toUpperCase()} `)).toBeGreaterThan(890)
    }
  })

  test('attempts that were refused are not counted, so that waiting helps', async () => {
    await times(12, () => signIn('mia@example.com'))
    await as.owner(
      `update app_private.attempts set attempted_at = attempted_at - interval '14 minutes 59 seconds'`,
    )

    expect(await signIn('mia@example.com')).toBeLessThanOrEqual(1)
    await as.owner(`update app_private.attempts set attempted_at = attempted_at - interval '2 seconds'`)
    expect(await signIn('mia@example.com')).toBeNull()
  })

  test('somebody who guesses at many addresses has to wait after a hundred', async () => {
    await from('203.0.113.7')
    let number = 0
    const guess = () => signIn(`person${number++}@example.com`)

    expect(await times(100, guess)).toEqual(Array(100).fill(null))
    expect(await guess()).toBeGreaterThan(0)
    await from('203.0.113.8')
    expect(await guess()).toBeNull()
  })

  test('whoever has an IPv6 network has one client’s attempts with it', async () => {
    let number = 0
    const guess = async () => {
      await from(`2001:db8:0:1::${(number + 1).toString(16)}`)
      return signIn(`person${number++}@example.com`)
    }

    expect(await times(100, guess)).toEqual(Array(100).fill(null))
    expect(await guess()).toBeGreaterThan(0)
    await from('2001:db8:0:2::1')
    expect(await signIn('other@example.com')).toBeNull()
  })

  test('no list of addresses comes of it', async () => {
    await from('203.0.113.7')
    await signIn('mia@example.com')

    const [row] = await as.owner(`select string_agg(attempts::text, ' ') as text from app_private.attempts`)
    expect(row!.text).not.toMatch(/mia|203/)
  })
})

describe('app_hidden.count_code', () => {
  test('the sixth guess at a code has to wait', async () => {
    const guess = () => count('app_hidden.count_code($1)', '01900000-0000-7000-8000-000000000000')

    expect(await times(5, guess)).toEqual(Array(5).fill(null))
    expect(await guess()).toBeGreaterThan(0)
  })

  test('guesses at twenty-one codes of one address have to wait, however many codes there are', async () => {
    let guesses = 0
    const guess = async () => {
      const [code] = await as.owner(
        `insert into app_private.mail_codes (purpose, address) values ('sign_in', 'mia@example.com') returning id`,
      )
      guesses++
      return count('app_hidden.count_code($1)', code!.id)
    }

    expect(await times(20, guess)).toEqual(Array(20).fill(null))
    expect(await guess()).toBeGreaterThan(0)
    expect(guesses).toBe(21)
  })
})

describe('app_hidden.count_mail', () => {
  test('nobody is mailed more than five codes an hour', async () => {
    const ask = () => count('app_hidden.count_mail($1)', 'mia@example.com')

    expect(await times(5, ask)).toEqual(Array(5).fill(null))
    expect(await ask()).toBeGreaterThan(3500)
  })

  test('somebody whose mails others use up elsewhere has some left, up to twenty in all', async () => {
    const ask = async (address: string) => {
      await from(address)
      return count('app_hidden.count_mail($1)', 'mia@example.com')
    }
    const waits: unknown[] = []
    for (let network = 1; network <= 4; network++) {
      waits.push(...(await times(6, () => ask(`203.0.113.${network}`))).map((wait) => wait === null))
    }

    expect(waits).toEqual(
      Array(4)
        .fill([...Array<boolean>(5).fill(true), false])
        .flat(),
    )
    expect(await ask('203.0.113.5')).toBeGreaterThan(0)
  })

  test('nobody has more than fifty people mailed in an hour', async () => {
    await from('203.0.113.7')
    let number = 0
    const ask = () => count('app_hidden.count_mail($1)', `person${number++}@example.com`)

    expect(await times(50, ask)).toEqual(Array(50).fill(null))
    expect(await ask()).toBeGreaterThan(0)
  })
})

describe('app_private.purge_attempts', () => {
  test('removes what no limit looks back on, and nothing else', async () => {
    await signIn('mia@example.com')
    await as.owner(`update app_private.attempts set attempted_at = now() - interval '1 hour'`)
    await signIn('mia@example.com')

    await as.owner('select app_private.purge_attempts()')

    expect(await as.owner('select count(*)::int from app_private.attempts')).toEqual([{ count: 2 }])
  })
})

describe('attempts that are made at once', () => {
  let database: TestDatabase
  let clients: pg.Client[]
  beforeAll(async () => {
    database = await makeDatabase()
    clients = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = new pg.Client({ connectionString: database.superuserUrl })
        await client.connect()
        return client
      }),
    )
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await database.drop()
  })

  test('are ten of twenty as well, on twenty connections', async () => {
    const answers = await Promise.all(
      clients.map((client) =>
        client.query<{ wait: number | null }>(`select app_hidden.count_sign_in('mia@example.com') as wait`),
      ),
    )

    expect(answers.filter(({ rows }) => rows[0]!.wait === null)).toHaveLength(10)
  })

  test('at addresses of one account from one network end, and none of them by a deadlock', async () => {
    const answers = await Promise.all(
      clients.map((client, index) =>
        client
          .query(
            `select set_config('plinth.request', '{"address": "203.0.113.9"}', true),
               app_hidden.count_sign_in($1)`,
            [`person${index % 3}@example.org`],
          )
          .then(() => 'ended'),
      ),
    )

    expect(answers).toEqual(Array(20).fill('ended'))
  })
})
