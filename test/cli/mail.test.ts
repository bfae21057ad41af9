import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { mailNames, samples } from '../../worker/mails/index.ts'
import { usePlinth } from '../support/process.ts'

const plinth = usePlinth(afterEach)

describe('plinth mail', () => {
  test('somebody who edits mails finds all of them on one page, however often they look', async () => {
    const dataDir = plinth.folder()
    const env = { MAIL_FROM: 'The Office <office@example.com>', PUBLIC_URL: 'https://office.example.com' }

    await plinth.run(['mail', '--data-dir', dataDir], { env })
    const { code, stdout } = await plinth.run(['mail', '--data-dir', dataDir], { env })

    const folder = join(dataDir, 'mailbox/preview')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${join(folder, 'index.html')}\n` })
    const names = mailNames.flatMap((name) => ('link' in samples[name] ? [name, `${name}.no-link`] : [name]))
    const files = [...names.flatMap((name) => [`${name}.html`, `${name}.txt`]), 'index.html']
    expect(readdirSync(folder).sort()).toEqual(files.sort())
    const page = readFileSync(join(folder, 'index.html'), 'utf8')
    for (const name of names) expect(page).toContain(`<iframe src="${name}.html"`)
    expect(readFileSync(join(folder, 'welcome.txt'), 'utf8')).toContain(
      'The Office\nhttps://office.example.com\n',
    )
  })
})
