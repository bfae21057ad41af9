import { createServer, type Socket } from 'node:net'

/** A server that passes for a Postgres of another version. */
export type OldPostgres = { url: string; close(): Promise<void> }

/**
 * Speaks as much of the Postgres protocol (version 3) as it takes to let anybody in, and answers every
 * query with one row: `version` as text and as a number. No Postgres that old comes with the packages.
 */
export async function startOldPostgres(version: string, number: number): Promise<OldPostgres> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let received = Buffer.alloc(0)
    let hasBegun = false
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      // The first message has no letter before its length.
      for (;;) {
        const head = hasBegun ? 1 : 0
        if (received.length < head + 4) return
        const end = head + received.readInt32BE(head)
        if (received.length < end) return
        const kind = hasBegun ? String.fromCharCode(received[0] ?? 0) : 'startup'
        received = received.subarray(end)
        hasBegun = true
        if (kind === 'startup') socket.write(Buffer.concat([message('R', int32(0)), readyForQuery]))
        if (kind === 'Q') socket.write(answer(version, number))
        if (kind === 'X') socket.end()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `postgres://someone:secret@127.0.0.1:${port}/old`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function answer(version: string, number: number): Buffer {
  const columns = [field('server_version', 25), field('number', 23)]
  const values = [value(version), value(String(number))]
  return Buffer.concat([
    message('T', int16(columns.length), ...columns),
    message('D', int16(values.length), ...values),
    message('C', text('SELECT 1')),
    readyForQuery,
  ])
}

function message(kind: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body])
}

/** A column of no table, in text form, of the type with this number. */
const field = (name: string, type: number): Buffer =>
  Buffer.concat([text(name), int32(0), int16(0), int32(type), int16(-1), int32(-1), int16(0)])

const value = (shown: string): Buffer => Buffer.concat([int32(Buffer.byteLength(shown)), Buffer.from(shown)])
const text = (shown: string): Buffer => Buffer.from(`${shown}\0`)

function int32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(number)
  return bytes
}

function int16(number: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(number)
  return bytes
}

const readyForQuery = message('Z', Buffer.from('I'))
