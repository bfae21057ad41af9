import type { Task } from 'graphile-worker'
import type { TaskServices } from './index.ts'

type Token = { id: string; organizationId: string; keyId: string; sealed: Buffer }

/**
 * Encrypts every token with the first key that is with another one, so that the other can be taken away. One that
 * changes meanwhile is left as it then is.
 */
export const slack_token__encrypt_anew =
  ({ cipher, log }: TaskServices): Task =>
  async (_payload, { withPgClient }) => {
    if (cipher.keyId === null) return
    const { rows } = await withPgClient((client) =>
      client.query<Token>(
        `select id, organization_id as "organizationId", key_id as "keyId", sealed
         from app_private.slack_tokens where key_id <> $1`,
        [cipher.keyId],
      ),
    )
    for (const { id, organizationId, keyId, sealed } of rows) {
      const text = cipher.decrypt({ keyId, data: sealed }, organizationId)
      const { keyId: newKeyId, data } = cipher.encrypt(text, organizationId)
      await withPgClient((client) =>
        client.query(
          'update app_private.slack_tokens set key_id = $3, sealed = $4 where id = $1 and sealed = $2',
          [id, sealed, newKeyId, data],
        ),
      )
    }
    if (rows.length > 0) log.info({ count: rows.length, keyId: cipher.keyId }, 'tokens are encrypted anew')
  }
