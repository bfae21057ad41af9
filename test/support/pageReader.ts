/** What came of a request for a page. */
export type Page = { status: number; headers: Headers; html: string; location: string | null }

/** A browser at one address, which follows nothing by itself. */
export class Browser {
  readonly #url: string
  constructor(url: string) {
    this.#url = url
  }

  /** Opens the page. */
  async look(method = 'GET'): Promise<Page> {
    return read(await fetch(this.#url, { method, redirect: 'manual' }))
  }

  /** Presses a button of the form of a page that was opened before. */
  press(html: string, value: string): Promise<Page> {
    const { button, fields } = formOf(html)
    return this.send(new URLSearchParams([...fields, [button, value]]).toString())
  }

  /** Posts a form as it is. */
  async send(body: string, headers: Record<string, string> = {}): Promise<Page> {
    return read(
      await fetch(this.#url, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body,
      }),
    )
  }
}

const read = async (response: Response): Promise<Page> => ({
  status: response.status,
  headers: response.headers,
  html: await response.text(),
  location: response.headers.get('location'),
})

/** The form of a page: what it sends along, what its buttons are called and what each of them says. */
export function formOf(html: string): { fields: [string, string][]; button: string; buttons: string[] } {
  const form = /<form method="post">(.*?)<\/form>/s.exec(html)?.[1] ?? ''
  const fields = [...form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']): [string, string] => [name, value],
  )
  const buttons = [...form.matchAll(/<button name="(\w+)" value="([^"]*)"/g)]
  return { fields, button: buttons[0]?.[1] ?? 'door', buttons: buttons.map(([, , value = '']) => value) }
}

/** What somebody reads on a page. */
export function textOf(html: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"' }
  return html
    .replace(/^.*<body>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex?: string, number?: string, name = '') =>
      hex
        ? String.fromCharCode(parseInt(hex, 16))
        : number
          ? String.fromCharCode(Number(number))
          : names[name]!,
    )
    .replace(/\s+/g, ' ')
}
