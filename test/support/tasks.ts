import { Logger, runOnce } from 'graphile-worker'
import { withConnection } from '../../src/database/connection.ts'
import { makeLog } from '../../src/log.ts'
import type { Mail } from '../../src/mailer.ts'
import { makeTasks } from '../../worker/tasks/index.ts'
import { eventually } from './eventually.ts'

/** Does what is queued in a database, once each, and gives back the mails that were sent. */
export async function runTasks(ownerUrl: string): Promise<Mail[]> {
  const mails: Mail[] = []
  const mailer = {
    async send(mail: Mail) {
      mails.push(mail)
    },
    close() {},
  }
  await runOnce({
    connectionString: ownerUrl,
    taskList: makeTasks({ mailer, log: makeLog({ logLevel: 'silent' }, false) }),
    logger: new Logger(() => () => {}),
  })
  // It does not wait until it is written down that its last job is done.
  await withConnection(ownerUrl, (client) =>
    eventually(async () => {
      const { rows } = await client.query('select from graphile_worker.jobs where locked_at is not null')
      if (rows.length > 0) throw new Error('A job is still locked.')
    }),
  )
  return mails
}

/** The secret of a mailed invitation. */
export function tokenIn(mail: Mail): string {
  const [, token] = /^\s*([\w-]{43})\s*$/m.exec(mail.text) ?? []
  if (!token) throw new Error(`There is no token in the mail "${mail.subject}".`)
  return token
}
