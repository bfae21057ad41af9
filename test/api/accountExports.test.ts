import { beforeEach, describe, expect, test } from '@jest/globals'
import { codeOf } from '../support/ask.ts'
import { useNewcomers } from '../support/newcomers.ts'
import { ageSession } from '../support/sessions.ts'

const { api, studio, run, signIn, listenWith, newcomer, makeKey, runJobs } = useNewcomers()

let address: string
let person: string
let token: string
beforeEach(async () => {
  await runJobs() // what the test before left undone
  ;({ address, id: person, token } = await newcomer())
})

const requestExport = `mutation { requestAccountExport(input: {}) { result { id finishedAt document } } }`
const readExport = `query ($id: UUID!) { accountExport(id: $id) { finishedAt document } }`

describe('taking one’s data along', () => {
  const request = async () => {
    const { data } = await api().ask(requestExport, { token })
    return data!.requestAccountExport.result.id as string
  }
  const read = async (id: string, as: string) => {
    const { data } = await api().ask(readExport, { token: as, variables: { id } })
    return data!.accountExport as { document: Record<string, Record<string, unknown>[]> } | null
  }

  test('a person asks for a copy, hears by subscription and mail that it is made, and reads it', async () => {
    const subscriber = listenWith(
      token,
      'subscription { accountExportChanged { event id accountExport { finishedAt } } }',
    )
    await subscriber.until(1)

    const { data } = await api().ask(requestExport, { token })
    const sent = await runJobs()

    const { id, ...rest } = data!.requestAccountExport.result
    expect(rest).toEqual({ finishedAt: null, document: null })
    expect(sent).toEqual([[address, 'export-ready']])
    const events = await subscriber.until(3)
    expect(events[2]).toEqual({ event: 'UPDATED', id, accountExport: { finishedAt: expect.any(String) } })
    expect((await read(id as string, token))!.document).toMatchObject({
      people: [{ id: person }],
      email_addresses: [{ address }],
    })
  })

  test('nobody else reads it, be they signed in or not', async () => {
    const id = await request()
    await runJobs()

    expect(await read(id, await signIn(studio().owner))).toBeNull()
    const anonymous = await api().ask(readExport, { variables: { id } })
    expect([codeOf(anonymous), anonymous.data]).toEqual(['FORBIDDEN', { accountExport: null }])
  })

  test('a week later nobody reads it', async () => {
    const id = await request()
    await runJobs()
    await run('update app_public.account_exports set expires_at = now() where id = $1', [id])

    expect(await read(id, token)).toBeNull()
  })

  test('twice at once it is made once', async () => {
    const answers = await Promise.all([request(), request()])

    expect(new Set(answers).size).toBe(1)
    expect(await runJobs()).toHaveLength(1)
  })

  test('a fourth in a day is too many, also by aliases', async () => {
    for (let made = 1; made <= 3; made++) {
      await request()
      await runJobs()
    }

    const fourth = await api().ask(requestExport, { token })
    const aliases = await api().ask(
      'mutation { a: requestAccountExport(input: {}) { result { id } } b: requestAccountExport(input: {}) { result { id } } }',
      { token },
    )

    expect([codeOf(fourth), codeOf(aliases)]).toEqual(['TOO_MANY_ATTEMPTS', 'TOO_MANY_ATTEMPTS'])
    expect(await runJobs()).toEqual([])
  })

  test('who signed in eleven minutes ago has to sign in again', async () => {
    await ageSession(run, token)

    expect(codeOf(await api().ask(requestExport, { token }))).toBe('SIGN_IN_AGAIN')
    expect(await runJobs()).toEqual([])
  })

  test('an API key cannot ask for one', async () => {
    expect(codeOf(await api().ask(requestExport, { token: await makeKey(token) }))).toBe('SIGN_IN_AGAIN')
  })
})
