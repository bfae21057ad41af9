import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { loadMails, parseTemplate, type RenderedMail, templateFolder } from '../../worker/mailTemplates.ts'
import { type MailName, mailNames, type MailValues, samples } from '../../worker/mails/index.ts'

const render = loadMails({ product: 'Plinth', publicUrl: 'https://app.example.com' })
const renderAny = (name: MailName, values: object) => render(name, values as never)

/** The marks of a mail's HTML, and where its links lead; what the title says is text. */
const tagsOf = ({ html }: RenderedMail) => html.match(/<[^>]*>/g)
const linksOf = ({ text }: RenderedMail) => text.match(/https?:\/\/\S+/g)

/** What HTML shows. */
const shown = (html: string) =>
  html
    .replace(/^[^]*<body/, '<body')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_reference, code: string) => String.fromCharCode(Number(code)))

describe('the templates', () => {
  test('there is a file for each mail, and a mail for each file', () => {
    const files = readdirSync(templateFolder).filter((file) => file.endsWith('.md'))

    expect(files.sort()).toEqual(mailNames.map((name) => `${name}.md`).sort())
  })

  test.each(mailNames)('%s says all that its task has to give, and asks for nothing else', (name) => {
    const { places } = parseTemplate(readFileSync(join(templateFolder, `${name}.md`), 'utf8'))

    expect(places.filter((place) => place !== 'product').sort()).toEqual(Object.keys(samples[name]).sort())
  })

  test.each(mailNames)('%s says the same as text and as HTML', (name) => {
    const { text, html } = render(name, samples[name])

    const [body = ''] = text.split('\n\n-- \n')
    const lines = body.split('\n').map((line) => line.replace(/^- /, '').trim())
    for (const line of lines.filter((line) => !line.startsWith('https://'))) {
      expect(shown(html)).toContain(line.replace(/:$/, ''))
    }
    for (const link of linksOf({ text } as RenderedMail) ?? []) expect(html).toContain(`href="${link}"`)
  })

  test.each(mailNames)('%s loads nothing from anywhere, and runs nothing', (name) => {
    const { html } = render(name, samples[name])

    expect(html).not.toMatch(
      /<(?!\/?(?:!doctype|html|head|meta|title|style|body|table|tr|td|p|a|ul|li|strong|em)\b)/,
    )
    expect(html).not.toMatch(/url\(|@import|\ssrc=|\son\w+=/i)
  })

  test.each(mailNames)('%s makes sense where a value is null', (name) => {
    const nullable = ['link', 'client', 'network', 'lastSeenAt']
    const kept = 'page' in samples[name] ? [samples[name].page] : []
    const entries = Object.entries(samples[name])
    const bare = Object.fromEntries(
      entries.map(([key, value]) => [key, nullable.includes(key) ? null : value]),
    )

    const { subject, text } = renderAny(name, bare)

    expect(`${subject}\n${text.replace(/^ {4}/gm, '')}`).not.toMatch(/ {2}| [.,:]|\{|null|undefined|\(\)/)
    expect(linksOf({ text } as RenderedMail)).toEqual([...kept, 'https://app.example.com'])
  })

  test.each(mailNames)('%s fails when a value is missing, and is not sent with a hole', (name) => {
    for (const key of Object.keys(samples[name])) {
      expect(() => renderAny(name, { ...samples[name], [key]: undefined })).toThrow(
        `There is no value for ${key}.`,
      )
    }
  })

  test('mails to addresses that nobody has proven have no words of anybody', () => {
    const unproven = [
      'sign-up-code',
      'add-address-code',
      'sign-in-unknown',
      'reset-password-unknown',
    ] as const

    const keys = unproven.flatMap((name) => Object.keys(samples[name]))

    expect([...new Set(keys)].sort()).toEqual(['code', 'link', 'minutes'])
  })
})

describe('what is filled in', () => {
  test('somebody can read off the code, and press on the link', () => {
    const link = 'https://app.example.com/sign-in#id=1&code=K7QF-2MXD'

    const { subject, text, html } = render('sign-in-code', {
      name: 'Ada',
      code: 'K7QF-2MXD',
      link,
      minutes: 30,
    })

    expect(subject).toBe('Your sign-in code for Plinth')
    expect(text).toContain('\n\n    K7QF-2MXD\n\n')
    expect(text).toContain(`\n\nSign in:\n${link}\n\n`)
    expect(text).toContain('within 30 minutes')
    expect(html).toMatch(/<p class="code" style="[^"]*font-size: 28px;[^"]*">K7QF-2MXD<\/p>/)
    expect(html).toMatch(
      /<a class="button" style="[^"]+" href="https:\/\/app.example.com\/sign-in#id=1&#38;code=K7QF-2MXD">Sign in/,
    )
  })

  test('a task that leaves out a value, or gives one too many, does not compile', () => {
    const link = 'https://app.example.com/'

    // @ts-expect-error: the name is missing
    expect(() => render('welcome', { link })).toThrow('There is no value for name.')
    // @ts-expect-error: the mail has no code
    expect(render('welcome', { name: 'Ada', link, code: 'K7QF-2MXD' }).text).not.toContain('K7QF')
    // @ts-expect-error: there is no such mail
    expect(() => render('farewell', { name: 'Ada' })).toThrow()
  })

  test('who is warned is told what a new password does not end', () => {
    const { text } = render('security-notice', samples['security-notice'])

    expect(text).toContain('delete every address, API key and linked account that is not yours')
  })

  test('a moment is written out, in UTC', () => {
    const { text } = render('security-notice', samples['security-notice'])

    expect(text).toContain('When: 9 March 2026 at 16:05 UTC')
  })

  test.each(['javascript:alert(1)', 'data:text/html,x', '//evil.example', 'https://a.example/ x', ''])(
    'no link leads to %j',
    (link) => {
      expect(() => render('welcome', { name: 'Ada', link })).toThrow(
        'A link must lead to http(s)://…, which "{{link}}" does not.',
      )
    },
  )
})

const hostileNames = [
  '<script>alert(1)</script>',
  '<a href="https://evil.example">press here</a>',
  '[press here](https://evil.example)',
  '![](https://evil.example/pixel.png)',
  'https://evil.example/?a=b',
  '<https://evil.example>',
  'www.evil.example',
  'eve@evil.example',
  '**Bold** _em_ `code` ~~gone~~',
  '\n\n# Heading\n\n- item\n\n    code',
  'Eve\r\nBcc: victim@example.com\r\n\r\nBuy now',
  'Eve\u2028Bcc: victim@example.com\u0085x',
  '{{link}} {{{product}}} {{#link}} {{>layout}}',
  '" onmouseover="alert(1)',
  ' class="button" href="',
  '&lt;b&gt; &amp; &#60;',
  '\uE0000\uE001\uE0001\uE001',
  `$& $1 $' $\``,
  '\\*escaped\\*',
  '| a | b |\n|---|---|\n| c | d |',
]

describe.each(hostileNames)('somebody called %j', (hostile) => {
  const written: Partial<{ [Name in MailName]: readonly string[] }> = {
    'guest-pass': ['guest', 'host', 'organization', 'office', 'doors'],
    'guest-pass-revoked': ['guest', 'organization', 'office'],
    invitation: ['inviter', 'organization'],
    'organization-deletion': ['name', 'organization', 'by'],
    'delete-organization-code': ['name', 'organization'],
    'security-notice': ['name', 'what', 'client', 'network'],
  }
  const plain = 'Plain'
  const valuesWith = (name: MailName, words: string) => {
    const keys = written[name] ?? ('name' in samples[name] ? ['name'] : [])
    return { ...samples[name], ...Object.fromEntries(keys.map((key) => [key, words])) }
  }

  test.each(mailNames)('cannot put more than words into %s', (name) => {
    const usual = renderAny(name, valuesWith(name, plain))
    const attacked = renderAny(name, valuesWith(name, hostile))

    const oneLine = hostile.replace(/[\r\n\u2028\u0085]+/g, ' ').trim()
    const words = oneLine.replace(/[.@/](?=\S)/g, '$&\u200c')
    expect(attacked.subject).toBe(usual.subject.replaceAll(plain, () => oneLine))
    expect(attacked.text).toBe(usual.text.replaceAll(plain, () => words))
    expect(tagsOf(attacked)).toEqual(tagsOf(usual))
    expect(shown(attacked.html)).toBe(shown(usual.html).replaceAll(plain, () => words))
  })
})

describe('a name', () => {
  test('that looks like an address is not made a link of by mail programs, which look for dots, @ and //', () => {
    const { text, html } = render('welcome', { name: 'eve@evil.example https://evil.example/x', link: null })

    for (const form of [text, shown(html)]) {
      expect(form).toContain('Hello eve')
      expect(form).not.toMatch(/evil\.example|eve@evil|:\/\/evil/)
    }
  })

  test('cannot turn the words around it about', () => {
    const { subject, text, html } = render('invitation', {
      ...samples.invitation,
      inviter: '\u202eeve\u2066\u200f',
    })

    expect(`${subject}${text}${html}`).not.toMatch(/\p{Bidi_Control}/u)
    expect(subject).toBe('eve invites you to Atelier Nord')
  })

  test('of any script, with its accents, joiners and dots, is shown as it is written', () => {
    for (const name of ['Zoë O’Neill-Łukasz', '李小龍', 'علی‌رضا', '👩‍💻 Kim', 'J. R. Ray']) {
      expect(render('welcome', { name, link: null } satisfies MailValues['welcome']).text).toContain(
        `Hello ${name},`,
      )
    }
  })
})
