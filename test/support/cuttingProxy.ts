import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy in front of a database that can be told to fail, and that counts trips. */
export type CuttingProxy = {
  port: number
  /** From now on, cuts a connection once this many bytes have gone through it in a direction. */
  cutAfter(direction: 'toServer' | 'toClient', bytes: number): void
  /** Lets everything through again, and counts anew. */
  heal(): void
  /** Bytes that went through since the last `heal`. */
  passed: { toServer: number; toClient: number }
  /** How often the talking turned from client to server since the last `heal`: round trips. */
  trips(): number
  close(): Promise<void>
}

/** Starts a proxy in front of a host and port. */
export async function startCuttingProxy(host: string, port: number): Promise<CuttingProxy> {
  const passed = { toServer: 0, toClient: 0 }
  const sockets = new Set<Socket>()
  let cut: { direction: keyof typeof passed; bytes: number } | null = null
  let talking: keyof typeof passed = 'toClient'
  let trips = 0

  const pass = (from: Socket, to: Socket, direction: keyof typeof passed) => {
    from.on('data', (chunk: Buffer) => {
      if (direction === 'toServer' && talking === 'toClient') trips++
      talking = direction
      const rest = cut?.direction === direction ? cut.bytes - passed[direction] : Infinity
      const part = chunk.subarray(0, Math.max(0, rest))
      passed[direction] += part.length
      if (part.length > 0) to.write(part)
      if (part.length < chunk.length) {
        // What was let through still arrives; then both sides lose each other.
        to.end()
        from.destroy()
      }
    })
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }

  const server: Server = createServer((client) => {
    const upstream = connect(port, host)
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    pass(client, upstream, 'toServer')
    pass(upstream, client, 'toClient')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()

  return {
    port: typeof address === 'object' && address ? address.port : 0,
    passed,
    trips: () => trips,
    cutAfter(direction, bytes) {
      cut = { direction, bytes: passed[direction] + bytes }
    },
    heal() {
      cut = null
      passed.toServer = passed.toClient = trips = 0
      talking = 'toClient'
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.forEach((socket) => socket.destroy())
      await closed
    },
  }
}
