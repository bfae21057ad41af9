import { makeCipher } from '../../src/encryption.ts'
import { makeSlackServices } from '../../worker/slack.ts'

/** The keys under which tests keep secrets, as the setting ENCRYPTION_KEYS. */
export const encryptionKeys = `test:${Buffer.alloc(32, 7).toString('base64')}`

/** The same, ready to be used. */
export const testCipher = makeCipher([{ id: 'test', key: Buffer.alloc(32, 7) }])

/** What tasks speak to Slack with, at the address of its API; where nothing is, unless one is given. */
export const slackServices = (apiUrl = 'http://127.0.0.1:9/api/') => ({
  slack: makeSlackServices(apiUrl, testCipher),
  cipher: testCipher,
})
