import { describe, expect, test } from '@jest/globals'
import type { JobHelpers } from 'graphile-worker'
import { type Cipher, makeCipher } from '../../src/encryption.ts'
import type { TaskServices } from '../../worker/tasks/index.ts'
import { slack_token__encrypt_anew } from '../../worker/tasks/slack_token__encrypt_anew.ts'
import { testCipher } from '../support/slackServices.ts'
import { useSlackRings } from '../support/slackRings.ts'
import { botToken } from '../support/slackStudio.ts'

const { run, studio, runJobs, slackJobs, ring } = useSlackRings()
describe('the tokens', () => {
  const [old, fresh] = [1, 2].map((byte) => ({ id: `key${byte}`, key: Buffer.alloc(32, byte) }))
  const withPgClient = async (use: (client: object) => Promise<unknown>) =>
    use({ query: async (sql: string, values: unknown[]) => ({ rows: await run(sql, values) }) })
  const encryptAnew = (cipher: Cipher) =>
    slack_token__encrypt_anew({ cipher, log: { info: () => {} } } as unknown as TaskServices)({}, {
      withPgClient,
    } as unknown as JobHelpers)
  const token = async () => (await run('select key_id, sealed from app_private.slack_tokens'))[0]!

  test('are encrypted anew with the first key, after which the other can be taken away', async () => {
    const { keyId, data } = makeCipher([old!]).encrypt(botToken, studio().organizationId)
    await run('update app_private.slack_tokens set key_id = $1, sealed = $2', [keyId, data])

    await encryptAnew(makeCipher([fresh!, old!]))

    const { key_id, sealed } = await token()
    expect(key_id).toBe('key2')
    expect(
      makeCipher([fresh!]).decrypt({ keyId: 'key2', data: sealed as Buffer }, studio().organizationId),
    ).toBe(botToken)
  })

  test('that are with the first key are left as they are, and so are all without keys', async () => {
    const before = await token()

    await encryptAnew(testCipher)
    await encryptAnew(makeCipher([]))

    expect(await token()).toEqual(before)
  })

  test('whose key was taken away cannot be used, and it is said which key is missing', async () => {
    await run(`update app_private.slack_tokens set key_id = 'gone'`)
    await ring()

    await runJobs()

    expect(await slackJobs()).toMatchObject([
      { last_error: 'A key of ENCRYPTION_KEYS is needed, and "gone" is not among them.' },
    ])
  })
})
