import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command, CommandContext } from '../command.ts'
import type { Config } from '../config.ts'
import { checkServer, publicUrl, withConnection } from '../database/connection.ts'
import { lockFile, openDatabase } from '../database/database.ts'
import { runningEmbedded } from '../database/embedded.ts'
import { pendingMigrations } from '../database/migrations.ts'
import { lockHolder } from '../database/processLock.ts'
import { Fault, messageOf } from '../fault.ts'
import { portOwner } from '../http/portOwner.ts'
import { makeLog } from '../log.ts'
import { isLoopback } from '../openIdProviders.ts'
import { silent } from '../progress.ts'

type Finding = { state: 'ok' | 'note' | 'fault'; about: string; text: string; advice?: readonly string[] }

/** Looks at everything a start would need, and changes nothing. */
async function* examine(config: Config): AsyncGenerator<Finding> {
  yield { state: 'ok', about: 'Node', text: process.versions.node }
  yield {
    state: 'ok',
    about: 'Settings',
    text: `${config.mode}, ${config.isProject ? 'this project' : `schemas ${config.schemas.join(', ')} as they are`}`,
  }
  yield portFinding(config)
  yield* proxyFindings(config)
  yield addressFinding(config)
  yield folderFinding(config)

  if (config.databaseUrl === null && config.authenticatorDatabaseUrl === null) {
    const running = await runningEmbedded(config.dataDir)
    if (!running) {
      yield { state: 'note', about: 'Postgres', text: 'embedded, not running; `npm start` runs it' }
      return
    }
    yield { state: 'ok', about: 'Postgres', text: `embedded, running on port ${running.port}` }
  } else {
    for (const [name, url] of [
      ['DATABASE_URL', config.databaseUrl],
      ['AUTHENTICATOR_DATABASE_URL', config.authenticatorDatabaseUrl],
    ] as const) {
      if (url === null) continue
      yield await finding(name, async () => `Postgres ${await checkServer(url, name)} at ${publicUrl(url)}`)
    }
  }
  yield* databaseFindings(config)
  yield mailFinding(config)
}

async function* databaseFindings(config: Config): AsyncGenerator<Finding> {
  const opened = await openDatabase(config, 'doctor', silent, { mayShare: true }).catch(() => null)
  if (!opened) return
  yield await finding('Durability', async () => {
    const { rows } = await withConnection(opened.ownerUrl, (client) =>
      client.query<{ name: string }>(
        `select name from pg_settings
         where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'`,
      ),
    )
    if (rows.length > 0)
      throw new Error(`${rows.map(({ name }) => name).join(', ')} off: a crash may lose what was confirmed`)
    return 'what is confirmed is on disk'
  })
  if (!config.isProject) return
  yield await finding('Migrations', async () => {
    const pending = await pendingMigrations(config, opened, makeLog({ logLevel: 'silent' }, false))
    if (pending.length > 0) throw new Fault(`pending: ${pending.join(', ')}`, ['npx plinth db migrate'])
    return 'up to date'
  })
  yield await finding('Jobs', async () => {
    const { rows } = await withConnection(opened.ownerUrl, (client) =>
      client.query<{ waiting: string; failed: string }>(
        `select count(*) filter (where attempts < max_attempts) as waiting,
                count(*) filter (where attempts >= max_attempts) as failed
         from graphile_worker.jobs`,
      ),
    )
    const { waiting = '0', failed = '0' } = rows[0] ?? {}
    if (failed !== '0') throw new Error(`${failed} have failed for good, ${waiting} wait`)
    return `${waiting} waiting, none failed for good`
  })
  await opened.close()
}

async function finding(about: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { state: 'ok', about, text: await look() }
  } catch (error) {
    return {
      state: 'fault',
      about,
      text: messageOf(error),
      advice: error instanceof Fault ? error.advice : [],
    }
  }
}

function mailFinding({ smtpUrl, publicUrl }: Config): Finding {
  const about = 'Mail'
  if (!smtpUrl) return { state: 'note', about, text: 'to a local folder; set SMTP_URL to send it' }
  const text = `by ${new URL(smtpUrl).host}`
  if (!publicUrl) return { state: 'note', about, text: `${text}, without links; set PUBLIC_URL to have them` }
  return { state: 'ok', about, text: `${text}, with links to ${publicUrl}` }
}

function portFinding(config: Config): Finding {
  const owner = portOwner(config.port)
  return {
    state: owner ? 'note' : 'ok',
    about: 'Port',
    text: `${config.port} is ${owner ? `taken${owner}` : 'free'}`,
  }
}

// On this machine alone there is no proxy to speak of.
function* proxyFindings({ host, publicUrl, trustedProxies }: Config): Generator<Finding> {
  const about = 'Proxies'
  if (trustedProxies.length > 0) {
    yield { state: 'ok', about, text: `${trustedProxies.join(', ')} may say where a request comes from` }
  } else if (publicUrl || !isLoopback(host)) {
    yield {
      state: 'note',
      about,
      text: 'none is trusted; behind one, everybody counts as one network',
      advice: ['If there is a proxy in front, set TRUSTED_PROXIES to its address.'],
    }
  }
}

// Where links to our own pages lead, and where Slack sends people and requests.
function addressFinding({ host, serverUrl, slack }: Config): Finding {
  const about = 'Address'
  const advice = ['Set SERVER_URL to the address by which others reach this server.']
  if (slack && !serverUrl.startsWith('https:'))
    return { state: 'note', about, text: `${serverUrl}; Slack takes none but https`, advice }
  if (isLoopback(new URL(serverUrl).hostname) && !isLoopback(host))
    return { state: 'note', about, text: `${serverUrl}, which is no address for links in mails`, advice }
  return { state: 'ok', about, text: serverUrl }
}

function folderFinding(config: Config): Finding {
  const holder = lockHolder(lockFile(config))
  if (holder)
    return {
      state: 'note',
      about: 'Data',
      text: `${config.dataDir}, in use by "plinth ${holder.command}" (process ${holder.pid})`,
    }
  let folder = config.dataDir
  while (!existsSync(folder)) folder = dirname(folder)
  try {
    accessSync(folder, constants.W_OK)
    return { state: 'ok', about: 'Data', text: config.dataDir }
  } catch {
    return {
      state: 'fault',
      about: 'Data',
      text: `${folder} cannot be written`,
      advice: ['Set DATA_DIR to a folder that you may write to.'],
    }
  }
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Says what is configured, reachable, pending or missing; changes nothing. Exit code 1: a fault.',
  async run(context: CommandContext) {
    const marks = { ok: '✓', note: '·', fault: '✗' }
    let code = 0
    for await (const { state, about, text, advice = [] } of examine(context.config())) {
      context.print(`${marks[state]} ${about.padEnd(12)} ${text}`)
      for (const line of advice) context.print(`  ${''.padEnd(12)} ${line}`)
      if (state === 'fault') code = 1
    }
    return code
  },
}
