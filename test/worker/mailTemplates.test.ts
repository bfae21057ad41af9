import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Fault } from '../../src/fault.ts'
import { loadMails, templateFolder } from '../../worker/mailTemplates.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-mails-'))
  cpSync(templateFolder, folder, { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const frame = { product: 'Plinth', publicUrl: null }

/** The mail "welcome" of name and link, or what is said of it, when somebody has written this template. */
function written(template: string) {
  writeFileSync(join(folder, 'welcome.md'), template)
  return loadMails(frame, folder)('welcome', { name: 'Ada', link: 'https://app.example.com/a_b_c' })
}

function faultOf(template: string): Fault | undefined {
  try {
    written(template)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  return undefined
}

describe('somebody who edits a template', () => {
  test('writes Markdown, with values and sections, and gets both forms of it', () => {
    const { subject, text, html } = written(`# {{product}}: hello {{name}}

One sentence
over two lines, **strong**, _soft_ and \\*starred\\*, with [a link]({{link}}).

{{! A remark for those who edit. }}
- {{name}}
- [elsewhere](https://example.com/here)

{{#link}}
[Go there]({{link}})
{{/link}}
{{^link}}
No link.
{{/link}}
`)

    expect(subject).toBe('Plinth: hello Ada')
    expect(text)
      .toBe(`One sentence over two lines, strong, soft and *starred*, with a link (https://app.example.com/a_b_c).

- Ada
- elsewhere (https://example.com/here)

Go there:
https://app.example.com/a_b_c

-- 
Plinth
`)
    expect(html).toMatch(/<strong>strong<\/strong>, <em>soft<\/em> and \*starred\*, with <a class="link"/)
    expect(html).toMatch(/<ul class="list" style="[^"]+"><li class="item" style="[^"]+">Ada<\/li>/)
    expect(html).toMatch(
      /<a class="button" style="[^"]+" href="https:\/\/app.example.com\/a_b_c">Go there<\/a>/,
    )
    expect(html).not.toMatch(/remark|No link/)
  })

  test.each([
    ['has no subject', 'Hello\n', 'Its first line must be "# " and the subject; the mail goes below.'],
    ['has nothing below the subject', '# Hello\n', 'Its first line must be "# " and the subject'],
    ['names a value that is not given', '# Hello\n\n{{nmae}}\n', 'There is no value for nmae.'],
    ['names one in its subject', '# Hello {{nmae}}\n\nx\n', 'There is no value for nmae.'],
    [
      'names one in a section that is not shown',
      '# Hi\n\n{{^link}}{{x}}{{/link}}\n',
      'There is no value for x.',
    ],
    ['leaves a section open', '# Hello\n\n{{#link}}\n', 'Unclosed section "link"'],
    ['includes another', '# Hello\n\n{{> layout}}\n', 'Mails have no {{>layout}}.'],
    ['fills in without escaping', '# Hello\n\n{{{name}}}\n', 'Mails have no {{&name}}.'],
    ['has HTML of its own', '# Hello\n\n<b>x</b>\n', 'Mails have no html, got <b>'],
    ['shows an image', '# Hello\n\n![x](https://example.com/x.png)\n', 'Mails have no image'],
    ['has a table', '# Hello\n\n| a |\n|---|\n| b |\n', 'Mails have no table'],
    ['has code within a line', '# Hello\n\nIt is `x`.\n', 'Mails have no codespan'],
    ['links to nowhere', '# Hello\n\n[x](/x)\n', 'A link must lead to http(s)://…, which "/x" does not.'],
    [
      'links to a name',
      '# Hello\n\n[x]({{name}})\n',
      'A link must lead to http(s)://…, which "{{name}}" does not.',
    ],
    ['links to a script', '# Hello\n\n[x](javascript:alert)\n', 'A link must lead to http(s)://…'],
  ])('learns before any mail is sent that it %s', (_what, template, advice) => {
    const fault = faultOf(template)

    expect(fault?.message).toBe(`The mail ${join(folder, 'welcome.md')} is not right.`)
    expect(fault?.advice.join('\n')).toContain(advice)
  })

  test('learns that a template is gone', () => {
    written('# Hello\n\nx\n')
    rmSync(join(folder, 'welcome.md'))

    expect(() => loadMails(frame, folder)).toThrow('is not right')
  })
})
