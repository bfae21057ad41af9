import { hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import Mustache, { type TemplateSpans } from 'mustache'
import { Fault, messageOf } from '../fault.ts'

/** Folder of the pages: one template each, `layout.html` around all of them, and `message.html` for what went wrong. */
export const pagesFolder = join(import.meta.dirname, '../../pages')

/** What every page says, beside what it says of its own. */
export type PageData = {
  title: string
  /** After how many seconds the browser is to look again, if at all. */
  refresh?: number | null
}

/** The pages that are served. */
export type PageTemplates = {
  /** Their names, which are those of their files and the first part of their addresses. */
  names: readonly string[]
  /** Writes one; values are escaped, what is missing is left out. */
  render(name: string, data: PageData): string
  /** The Content-Security-Policy of all: their own looks, forms to themselves, and nothing else. */
  policy: string
}

const notServed = ['layout', 'message']

/** Reads the templates, of which there may be none; throws a Fault for one that cannot be right. */
export function loadPages(folder = pagesFolder): PageTemplates {
  const texts = new Map(
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((file) => file.endsWith('.html'))
      .map((file) => [basename(file, '.html'), readFileSync(join(folder, file), 'utf8')]),
  )
  for (const [name, text] of texts) {
    try {
      if (!/^[a-z][a-z0-9-]*$/.test(name)) throw new Error('Its name has other signs than a-z, 0-9 and -.')
      assertEscaped(Mustache.parse(text))
    } catch (cause) {
      throw new Fault(`The page ${join(folder, `${name}.html`)} is not right.`, [messageOf(cause)], { cause })
    }
  }
  const layout = texts.get('layout') ?? ''
  return {
    names: [...texts.keys()].filter((name) => !notServed.includes(name)),
    render: (name, data) => Mustache.render(layout, data, { page: texts.get(name) ?? '' }),
    policy: [
      `default-src 'none'`,
      // By their digests, so that nothing that is filled in ever counts as a style.
      `style-src ${styleDigests([...texts.values()])}`,
      'img-src data:', // the empty icon, without which browsers ask for one
      `form-action 'self'`,
      `base-uri 'none'`,
      `frame-ancestors 'none'`,
    ].join('; '),
  }
}

/** What is filled in is words, never HTML. */
function assertEscaped(spans: TemplateSpans): void {
  for (const [type, name, , , inner] of spans) {
    if (type === '&' || (type === '>' && name !== 'page'))
      throw new Error(`Pages have no {{${type}${name}}}.`)
    if (type === '#' || type === '^') assertEscaped(inner as TemplateSpans)
  }
}

const styleDigests = (texts: readonly string[]): string =>
  texts
    .flatMap((text) => [...text.matchAll(/<style>(.*?)<\/style>/gs)])
    .map(([, style = '']) => `'sha256-${hash('sha256', style, 'base64')}'`)
    .join(' ') || `'none'`
