import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { lockHolder, takeLock } from '../../src/database/processLock.ts'
import { until, usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

const module = JSON.stringify(join(import.meta.dirname, '../../src/database/processLock.ts'))

/** A program of its own that does something with `takeLock` and `file`. */
function program(file: string, body: string): string {
  const path = join(plinth.folder(), 'program.ts')
  writeFileSync(
    path,
    `import { takeLock } from ${module}\nimport { existsSync } from 'node:fs'\nconst file = ${JSON.stringify(file)}\n${body}`,
  )
  return path
}

const lockFile = () => join(plinth.folder(), 'data', 'lock.json')

describe('a lock', () => {
  test('whoever takes it holds it, by process and command, until it is released', () => {
    const file = lockFile()

    const lock = takeLock(file, 'start')
    const holder = lockHolder(file)
    if ('release' in lock) lock.release()

    expect(holder).toMatchObject({ pid: process.pid, command: 'start' })
    expect(lockHolder(file)).toBeNull()
    expect(readdirSync(join(file, '..'))).toEqual([])
  })

  test('a second process does not get it from one that lives, and learns who that is', async () => {
    const file = lockFile()
    const holder = plinth.spawn([], {
      program: program(file, `takeLock(file, 'start'); console.log('taken'); setInterval(() => {}, 1000)`),
    })
    await holder.says(/taken/)

    const lock = takeLock(file, 'doctor')

    expect(lock).toMatchObject({ holder: { pid: holder.pid, command: 'start' } })
    expect(lockHolder(file)).toMatchObject({ pid: holder.pid })
  })

  test('a killed process loses it', async () => {
    const file = lockFile()
    const killed = plinth.spawn([], {
      program: program(file, `takeLock(file, 'start'); process.kill(process.pid, 'SIGKILL')`),
    })
    await killed.ended

    const isLeft = existsSync(file)
    const lock = takeLock(file, 'start')

    expect(isLeft).toBe(true)
    expect(lock).toHaveProperty('release')
    expect(lockHolder(file)).toMatchObject({ pid: process.pid })
  })

  test('a dead process that its parent has not collected loses it, as in a container', async () => {
    const file = lockFile()
    const path = program(file, `takeLock(file, 'start')`)
    const parent = plinth.spawn(['-c', '"$0" "$1" & echo "$!"; exec sleep 600', process.execPath, path], {
      node: '/bin/sh',
      program: '-e',
    })
    await parent.says(/\d/)
    await until(() => existsSync(file))

    await until(() => lockHolder(file) === null)

    expect(takeLock(file, 'start')).toHaveProperty('release')
  })

  test('a later process with the number of a killed one does not hold it', () => {
    const file = lockFile()
    const lock = takeLock(file, 'start')
    const written = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, JSON.stringify({ ...written, startedAt: 'earlier' }))

    const holder = lockHolder(file)
    const later = takeLock(file, 'start')

    expect(lock).toHaveProperty('release')
    expect(holder).toBeNull()
    expect(later).toHaveProperty('release')
  })

  test.each(['', '{"pid":', '[]', 'null'])('a file that holds %j is nobody’s', (content) => {
    const file = lockFile()
    takeLock(file, 'start')
    writeFileSync(file, content)

    const lock = takeLock(file, 'start')

    expect(lock).toHaveProperty('release')
  })

  test('of several that race for a dead one’s, again and again, exactly one wins', async () => {
    const file = lockFile()
    const gate = join(plinth.folder(), 'gate')
    const path = program(
      file,
      `import { readdirSync, rmSync, writeFileSync } from 'node:fs'
       const [name, gate] = process.argv.slice(2)
       console.log('ready')
       let wins = ''
       for (let round = 0; round < 100; round++) {
         while (!existsSync(gate + round)) {}
         const lock = takeLock(file, 'start')
         wins += 'release' in lock ? '1' : '0'
         writeFileSync(gate + round + '-' + name, '')
       }
       console.log('wins ' + wins)
       setInterval(() => {}, 1000) // at its end, what it has won would be a dead one's`,
    )
    const names = ['a', 'b', 'c']
    const racers = names.map((name) => plinth.spawn([name, gate], { program: path }))
    await Promise.all(racers.map((racer) => racer.says(/ready/)))
    const dead = JSON.stringify({ pid: 1, startedAt: 'long ago', command: 'start' })
    takeLock(file, 'start')

    for (let round = 0; round < 100; round++) {
      writeFileSync(file, dead)
      writeFileSync(`${gate}${round}`, '')
      await until(() => names.every((name) => existsSync(`${gate}${round}-${name}`)))
    }
    const wins = await Promise.all(racers.map(async (racer) => (await racer.says(/wins (\d+)/))[1] ?? ''))

    const winners = Array.from({ length: 100 }, (_, round) => wins.filter((won) => won[round] === '1').length)
    expect(new Set(winners)).toEqual(new Set([1]))
  })
})
