import { hash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { useLiveStudio } from '../support/realtime.ts'
import { signInWith } from '../support/sessions.ts'

const { run, studio, listenWith, signIn, api } = useLiveStudio()

const doors = 'subscription { doorChanged { event id cursor door { name office { name } } } }'

describe('the end of a session', () => {
  const cutWithin = async (end: (token: string) => Promise<unknown>) => {
    const token = await signIn(studio().member)
    const subscriber = listenWith(token, doors)
    await subscriber.until(1)
    const began = performance.now()
    await end(token)
    const { code } = await subscriber.closed
    return { code, ms: performance.now() - began }
  }

  test('signing out closes the socket within a second, though nothing happens on the table', async () => {
    const { code, ms } = await cutWithin((token) =>
      api().ask('mutation { signOut(input: {}) { result } }', { token }),
    )

    expect(code).toBe(4401)
    expect(ms).toBeLessThan(1000)
  })

  test('so does the session’s expiry', async () => {
    const { code, ms } = await cutWithin(() =>
      run('update app_private.tokens set expires_at = now() where person_id = $1', [studio().member]),
    )

    expect(code).toBe(4401)
    expect(ms).toBeLessThan(1000)
  })

  test('a token that counts for nothing is not let in', async () => {
    const subscriber = listenWith('ab'.repeat(32), doors)

    await expect(subscriber.closed).resolves.toMatchObject({ code: 4401 })
    expect(subscriber.events).toEqual([])
  })

  test('app_private.ended_sessions and app_private.identify agree on what has ended', async () => {
    const hashOf = async (expiry: string) => {
      const token = hash('sha256', await signInWith(run, studio().member), 'buffer')
      await run('update app_private.tokens set expires_at = now() + $2::interval where hash = $1', [
        token,
        expiry,
      ])
      return token
    }
    const hashes = [await hashOf('1 hour'), await hashOf('0'), await hashOf('-1 hour'), Buffer.alloc(32)]
    const [row] = await run('select array(select app_private.ended_sessions($1)) as ended', [hashes])
    const isRefused = async (hash: Buffer) =>
      run('select * from app_private.identify($1)', [hash]).then(
        () => false,
        () => true,
      )

    const ended = (row!.ended as Buffer[]).map((hash) => hash.toString('hex'))
    for (const hash of hashes) expect(await isRefused(hash)).toBe(ended.includes(hash.toString('hex')))
    expect(ended).toHaveLength(3)
  })
})
