#!/usr/bin/env node
// The way in. Plain JavaScript for any Node from 20 on, because it runs before anything is installed:
// it installs what is missing and hands over to a Node that can run the rest.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { canRunPlinth, installedNode, installMissing } from './install.js'

await installMissing()

if (canRunPlinth(process.versions.node)) {
  const { main } = await import('../src/cli.ts')
  await main(process.argv.slice(2))
} else {
  const node = installedNode()
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the child by itself; what is sent to this process alone is passed on. Either way
  // the child decides when it is done.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1)
  })
}
