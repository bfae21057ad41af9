import { request as httpRequest } from 'node:http'

/** The body of a request that every API answers. */
export const operation = JSON.stringify({ query: '{ __typename }' })
/** The headers that go with it. */
export const json = { 'Content-Type': 'application/json' }

/** Sends a request that `fetch` would not; resolves with the answer. */
export function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<{ status: number; headers: Record<string, any>; body: any }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const body: unknown = text === '' ? null : JSON.parse(text)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
