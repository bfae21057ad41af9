#!/usr/bin/env node
// Makes a fresh clone ready: packages as locked, and a Node that runs TypeScript. Does nothing, in a
// few milliseconds, where that is done already. Plain JavaScript for any Node from 20 on.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')

/** Whether this version of Node runs TypeScript files and what the API is built on: 22.18 or newer. */
export function canRunPlinth(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

/** Path of a Node that can run Plinth. Exits with a message where there is none. */
export function installedNode() {
  if (canRunPlinth(process.versions.node)) return process.execPath
  const own = join(modules, '.bin', 'node')
  if (existsSync(own)) return own
  fail(
    `Plinth needs Node 22.18 or newer; this is ${process.versions.node}, and no Node for ` +
      `${process.platform}-${process.arch} comes with the packages.\nInstall Node 24 and try again.`,
  )
}

/** Installs the locked packages when node_modules is absent, incomplete or older than the lock file. */
export async function installMissing() {
  if (isInstalled()) return
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm would empty the folder that it leads to, which is somebody else's.
    fail('node_modules is a link to packages other than the locked ones.\nUpdate those, or remove the link.')
  }
  // Two installations at once would take each other's files away.
  const lock = join(
    tmpdir(),
    `plinth-install-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`,
  )
  for (let isToldOf = 0; ; await sleep(200)) {
    const holder = takeLock(lock)
    if (holder === null) break
    if (holder !== isToldOf) process.stderr.write(`Waiting for process ${holder}, which installs packages\n`)
    isToldOf = holder
  }
  let failure = null
  try {
    if (!isInstalled()) failure = await install()
  } finally {
    rmSync(lock, { force: true })
  }
  if (failure !== null) fail(failure)
}

/** Takes the lock, or returns the process that has it. */
function takeLock(lock) {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return null
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    try {
      const holder = Number(readFileSync(lock, 'utf8'))
      process.kill(holder, 0) // only asks whether there is such a process
      return holder
    } catch (error) {
      if (error.code === 'EPERM') return 'of another user'
      rmSync(lock, { force: true })
    }
  }
}

/** Has npm install; resolves with what it says when it cannot, else with null. */
async function install() {
  const began = Date.now()
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`
  const isTerminal = process.stderr.isTTY
  if (!isTerminal) process.stderr.write('Installing packages\n')
  const ticker = isTerminal
    ? setInterval(() => process.stderr.write(`\r\x1b[K… Installing packages (${seconds()})`), 250)
    : undefined

  const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => (said += chunk))
  const code = await new Promise((resolve) => {
    child.on('error', () => resolve(127))
    child.on('close', resolve)
  })
  clearInterval(ticker)
  if (isTerminal) process.stderr.write('\r\x1b[K')
  // npm follows the cause with all of its options; the cause comes first.
  const cause = said.trim().split('\n').slice(0, 12).join('\n')
  if (code !== 0) return `${cause}\n\nnpm could not install the packages (exit ${code}).`
  process.stderr.write(`✓ Packages installed (${seconds()})\n`)
  return null
}

function isInstalled() {
  // npm writes this file last, so its presence means that an installation came to its end.
  const installed = join(modules, '.package-lock.json')
  const locked = join(root, 'package-lock.json')
  if (!existsSync(installed)) return false
  if (statSync(installed).mtimeMs >= statSync(locked).mtimeMs) return true
  // A checkout renews the lock file's time without changing it; the contents decide then.
  const wanted = JSON.parse(readFileSync(locked, 'utf8')).packages
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  )
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const version = process.versions.node
  if (Number(version.split('.')[0]) < 20)
    fail(`Plinth needs Node 20 or newer to install; this is ${version}.`)
  await installMissing()
  installedNode()
}
