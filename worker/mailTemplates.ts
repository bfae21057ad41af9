import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Mustache, { type TemplateSpans } from 'mustache'
import { Fault, messageOf } from '../src/fault.ts'
import { escapeHtml, type Fill, htmlForm, textForm, write } from './mailForms.ts'
import { type MailName, mailNames, type MailValues, samples } from './mails/index.ts'

/** What every mail may name: who sends it, and where the front end is. */
export type MailFrame = { product: string; publicUrl: string | null }

/** The words of a mail, ready to be sent. */
export type RenderedMail = { subject: string; text: string; html: string }

/** Writes a mail; throws when a value is missing or a link leads nowhere. */
export type RenderMail = <Name extends MailName>(name: Name, values: MailValues[Name]) => RenderedMail

/** Folder of the templates. */
export const templateFolder = join(import.meta.dirname, 'mails')

type Value = string | number | Date | null
type Template = { subject: string; body: string; places: readonly string[] }

/**
 * Reads all templates. Each is tried on its sample, so that a slip in one is a Fault at the start of the worker and
 * not a job that fails when the mail is wanted.
 */
export function loadMails(frame: MailFrame, folder = templateFolder): RenderMail {
  const layout = readFileSync(join(folder, 'layout.html'), 'utf8')
  const templates = new Map<MailName, Template>()
  const render: RenderMail = (name, values) => fillIn(templates.get(name)!, layout, values, frame)

  for (const name of mailNames) {
    try {
      templates.set(name, parseTemplate(readFileSync(join(folder, `${name}.md`), 'utf8')))
      render(name, samples[name])
    } catch (cause) {
      throw new Fault(`The mail ${join(folder, `${name}.md`)} is not right.`, [messageOf(cause)], { cause })
    }
  }
  return render
}

/** Takes a template apart: a heading, which is the subject, and below it the mail. */
export function parseTemplate(text: string): Template {
  const [, subject, body] = /^# (.+)\n([^]+)$/.exec(text) ?? []
  if (!subject || !body) throw new Error('Its first line must be "# " and the subject; the mail goes below.')
  return { subject, body, places: [...new Set(placesIn(Mustache.parse(text)))] }
}

function placesIn(spans: TemplateSpans): string[] {
  return spans.flatMap(([type, name, , , inner]) => {
    if (type === 'name') return [name]
    if (type === '#' || type === '^') return [name, ...placesIn(inner as TemplateSpans)]
    if (type === 'text' || type === '!') return []
    throw new Error(`Mails have no {{${type}${name}}}.`)
  })
}

/** Around the number of a value, where it goes; nobody can type these two, and no value is looked into for them. */
const place = /\uE000(\d+)\uE001/g

function fillIn(template: Template, layout: string, given: object, frame: MailFrame): RenderedMail {
  const values: Record<string, Value | undefined> = { ...given, product: frame.product }
  const missing = template.places.filter((name) => values[name] === undefined)
  if (missing.length > 0) throw new Error(`There is no value for ${missing.join(', ')}.`)

  const entries = Object.entries(values)
  const view = Object.fromEntries(
    entries.map(([name, value], index) => [name, value === null ? null : `\uE000${index}\uE001`]),
  )
  const withPlaces = (text: string) => Mustache.render(text, view, {}, { escape: (text: string) => text })
  const filled = (text: string, as: (text: string) => string) =>
    text.replace(place, (_place, index: string) => as(wordsOf(entries[Number(index)]?.[1])))
  const fill: Fill = {
    text: (text) => filled(text, unlinked),
    href(text) {
      const href = filled(text, (value) => value)
      if (/^https?:\/\/[^\s<>"]+$/.test(href)) return href
      // The template's own words: what is filled in may be secret, and errors are kept.
      const written = text.replace(place, (_place, index: string) => `{{${entries[Number(index)]?.[0]}}}`)
      throw new Error(`A link must lead to http(s)://…, which "${written}" does not.`)
    },
  }

  const subject = filled(withPlaces(template.subject), (value) => value)
  const body = withPlaces(template.body)
  const text = `${write(body, textForm, fill)}\n\n-- \n${[frame.product, frame.publicUrl ?? []].flat().join('\n')}\n`
  const html = Mustache.render(
    layout,
    { ...frame, subject, content: write(body, htmlForm, fill) },
    {},
    { escape: escapeHtml },
  )
  return { subject, text, html: inlineStyles(html) }
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

/** A value as one line that keeps to itself: no line breaks, and nothing that turns the words around it about. */
export const wordsOf = (value: Value | undefined): string =>
  value instanceof Date
    ? `${moment.format(value)} UTC`
    : String(value)
        .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
        .replace(/\p{Bidi_Control}/gu, '')
        .trim()

/**
 * The same to the eye, but no mail program takes "evil.example" or "a@evil.example" in it for something to press on:
 * they look for such words by themselves, in text and in HTML.
 */
const unlinked = (text: string): string => text.replace(/[.@/](?=\S)/g, '$&\u200c')

/** Many mail programs heed styles on the elements alone; the layout's plain rules are copied onto them. */
function inlineStyles(html: string): string {
  const [plain = ''] = html.split('@media', 1)
  const styles = new Map(
    [...plain.matchAll(/\.([\w-]+) \{([^}]*)\}/g)].map(([, name, rules = '']) => [
      name,
      rules.replace(/\s+/g, ' ').trim(),
    ]),
  )
  return html.replace(/ class="([\w-]+)"/g, (attribute, name: string) => {
    const style = styles.get(name)
    return style === undefined ? attribute : `${attribute} style="${style}"`
  })
}
