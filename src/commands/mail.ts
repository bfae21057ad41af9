import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { escapeHtml } from '../../worker/mailForms.ts'
import { loadMails, type RenderedMail } from '../../worker/mailTemplates.ts'
import { mailNames, samples } from '../../worker/mails/index.ts'
import type { Command } from '../command.ts'
import { mailboxFolder, senderOf } from '../mailer.ts'

export const mail: Command = {
  name: 'mail',
  summary: 'Writes every mail with sample values into DATA_DIR/mailbox/preview, to be looked at; sends none.',
  details:
    'The templates are in worker/mails. Mails that have a link are shown with it and, as without PUBLIC_URL, without.',
  async run(context) {
    const config = context.config()
    const render = loadMails({ product: senderOf(config.mailFrom).name, publicUrl: config.publicUrl })
    const mails = mailNames.flatMap((name) => {
      const sample = samples[name]
      const withLink = { file: name, ...render(name, sample) }
      if (!('link' in sample)) return [withLink]
      return [withLink, { file: `${name}.no-link`, ...render(name, { ...sample, link: null }) }]
    })

    const folder = join(mailboxFolder(config), 'preview')
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const { file, text, html } of mails) {
      await writeFile(join(folder, `${file}.html`), html)
      await writeFile(join(folder, `${file}.txt`), text)
    }
    await writeFile(join(folder, 'index.html'), overview(mails))
    context.print(join(folder, 'index.html'))
    return 0
  },
}

/** All mails on one page: as HTML, and beside it as text. */
function overview(mails: readonly (RenderedMail & { file: string })[]): string {
  const sections = mails.map(
    ({ file, subject, text }) => `
<h2 id="${file}">${escapeHtml(subject)} <small><a href="${file}.html">${file}</a></small></h2>
<div><iframe src="${file}.html" loading="lazy"></iframe><pre>${escapeHtml(text)}</pre></div>`,
  )
  return `<!doctype html>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>Mails</title>
<style>
  body { margin: 24px; font: 16px system-ui, sans-serif; }
  h2 { margin: 40px 0 12px; font-size: 18px; }
  small { font-weight: normal; }
  div { display: flex; flex-wrap: wrap; gap: 24px; }
  iframe { width: 600px; max-width: 100%; height: 640px; border: 1px solid #8884; }
  pre { flex: 1 1 300px; margin: 0; font-size: 14px; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
${sections.join('\n')}
`
}
