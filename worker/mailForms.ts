import { lexer, type MarkedToken, type Token } from 'marked'

/** How the parts of a mail are written in one of its forms; what is inside them is written already. */
export type Form = {
  text(text: string): string
  lineBreak: string
  strong(inner: string): string
  em(inner: string): string
  link(inner: string, href: string): string
  paragraph(inner: string): string
  list(items: readonly string[]): string
  /** A link alone in its paragraph: what the mail is about. */
  button(inner: string, href: string): string
  /** A code, which stands alone in its paragraph, to be read off or copied. */
  code(text: string): string
  /** Puts paragraphs, lists, buttons and codes below each other. */
  stack(blocks: readonly string[]): string
}

/** A text for HTML, in elements and in quoted attributes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** For mail programs that show HTML. The looks of each class are in mails/layout.html. */
export const htmlForm: Form = {
  text: escapeHtml,
  lineBreak: '<br>',
  strong: (inner) => `<strong>${inner}</strong>`,
  em: (inner) => `<em>${inner}</em>`,
  link: (inner, href) => `<a class="link" href="${escapeHtml(href)}">${inner}</a>`,
  paragraph: (inner) => `<p class="paragraph">${inner}</p>`,
  list: (items) => `<ul class="list">${items.map((item) => `<li class="item">${item}</li>`).join('')}</ul>`,
  button: (inner, href) =>
    `<p class="paragraph"><a class="button" href="${escapeHtml(href)}">${inner}</a></p>`,
  // Nobody types what is longer.
  code: (text) => `<p class="${text.length > 16 ? 'token' : 'code'}">${escapeHtml(text)}</p>`,
  stack: (blocks) => blocks.join('\n'),
}

/** For those that show text alone, and for people who prefer it. */
export const textForm: Form = {
  text: (text) => text,
  lineBreak: '\n',
  strong: (inner) => inner,
  em: (inner) => inner,
  link: (inner, href) => `${inner} (${href})`,
  paragraph: (inner) => inner,
  list: (items) => items.map((item) => `- ${item}`).join('\n'),
  button: (inner, href) => `${inner}:\n${href}`,
  code: (text) => `    ${text}`,
  stack: (blocks) => blocks.join('\n\n'),
}

/** What is put in the places of a template: in running text and codes, and where a link leads. */
export type Fill = { text(text: string): string; href(text: string): string }

/**
 * Writes Markdown in a form. Places are filled where the Markdown has become text, so that what is put there is never
 * read as Markdown. Throws for what mails do not have: images, tables, HTML of their own.
 */
export function write(markdown: string, form: Form, fill: Fill): string {
  const inline = (tokens: readonly Token[]): string => tokens.map(inlinePart).join('')

  const inlinePart = (token: Token): string => {
    const part = token as MarkedToken // the rest would be extensions of the language; there are none
    switch (part.type) {
      case 'text':
        return part.tokens ? inline(part.tokens) : form.text(fill.text(part.text.replaceAll('\n', ' ')))
      case 'escape':
        return form.text(part.text)
      case 'br':
        return form.lineBreak
      case 'strong':
        return form.strong(inline(part.tokens))
      case 'em':
        return form.em(inline(part.tokens))
      case 'link':
        return form.link(inline(part.tokens), fill.href(part.href))
      default:
        throw new Error(`Mails have no ${part.type}, got ${part.raw.trim()}`)
    }
  }

  const block = (token: Token): string => {
    const part = token as MarkedToken
    if (part.type === 'list') return form.list(part.items.map((item) => inline(item.tokens)))
    if (part.type !== 'paragraph') return inlinePart(part)
    const [only, ...others] = part.tokens as MarkedToken[]
    if (others.length === 0 && only?.type === 'link') {
      return form.button(inline(only.tokens), fill.href(only.href))
    }
    if (others.length === 0 && only?.type === 'codespan') return form.code(fill.text(only.text))
    return form.paragraph(inline(part.tokens))
  }

  return form.stack(
    lexer(markdown)
      .filter(({ type }) => type !== 'space')
      .map(block),
  )
}
