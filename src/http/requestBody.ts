import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { SafeError } from 'postgraphile/grafast'
import { LimitError, type Limits } from '../limits.ts'

/**
 * The body of a request: JSON in UTF-8, as it was sent, within the limits. Throws a SafeError with the HTTP
 * status otherwise. Whatever a form or a plain link can send is refused unread, so that no page can have a
 * browser do something in its user's name.
 */
export async function readBody(request: IncomingMessage, limits: Limits): Promise<unknown> {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers
  if (type === undefined) throw refusal(400, 'The Content-Type is missing: send application/json.')
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(type)) {
    throw refusal(415, 'The Content-Type is not application/json in UTF-8.')
  }
  if (encoding !== 'identity') throw refusal(415, 'The body is compressed: send it as it is.')

  const bytes = await readBytes(request, limits.bodyBytes)
  if (!isUtf8(bytes)) throw refusal(400, 'The body is not UTF-8.')
  try {
    return JSON.parse(bytes.toString())
  } catch {
    throw refusal(400, 'The body is not JSON.')
  }
}

function readBytes(request: IncomingMessage, maximum: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0)
  const tooLarge = (value: number) => {
    // What is still under way is let go by, or the client would never read the answer.
    request.resume()
    const { message, excess } = new LimitError({ limit: 'bodyBytes', value, maximum })
    return refusal(413, message, { code: 'LIMIT_EXCEEDED', ...excess })
  }
  if (announced > maximum) return Promise.reject(tooLarge(announced))

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= maximum) return
      request.off('data', onData)
      chunks.length = 0
      reject(tooLarge(length))
    }
    request.on('data', onData)
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.once('error', reject)
    request.once('close', () => {
      if (!request.complete) reject(refusal(400, 'The body ended early.'))
    })
  })
}

const refusal = (statusCode: number, message: string, extensions: object = {}) =>
  new SafeError(message, { ...extensions, statusCode })
