import { afterEach, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { openSocket, type RawSocket } from '../support/rawSocket.ts'
import { useLiveStudio } from '../support/realtime.ts'

const { api, run, signIn, studio } = useLiveStudio({
  LIMIT_INIT_MS: '1000',
  LIMIT_CONNECTIONS_PER_CALLER: '2',
  LIMIT_OPERATIONS_PER_CONNECTION: '2',
  LIMIT_UNREAD_MS: '1000',
  LIMIT_FRAME_BYTES: '20000',
  // Not what is tested here: the events are made large by asking for much.
  LIMIT_ALIASES: '1000',
  LIMIT_FIELDS: '1000',
  LIMIT_TOKENS: '10000',
})

const open: RawSocket[] = []
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.terminate()
})
const connect = async (protocol?: string): Promise<RawSocket> => {
  const socket = await openSocket(api().url, protocol)
  open.push(socket)
  return socket
}
const connectAs = async (token: string): Promise<RawSocket> => {
  const socket = await connect()
  socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } })
  return socket
}
const init = { type: 'connection_init' }
const subscription = (id: string) => ({
  id,
  type: 'subscribe',
  payload: { query: 'subscription { doorChanged { event } }' },
})

describe('a client that does not keep to the protocol', () => {
  test.each<[string, (socket: RawSocket) => void, number]>([
    ['says nothing', () => {}, 4408],
    ['says who it is twice', (socket) => [init, init].forEach(socket.send), 4429],
    ['asks before it has said who it is', (socket) => socket.send(subscription('a')), 4401],
    ['sends no JSON', (socket) => socket.send('{'), 4400],
    ['sends an unknown message', (socket) => socket.send({ type: 'start' }), 4400],
    ['sends a binary message', (socket) => socket.socket.send(Buffer.from([0xff, 0])), 4400],
    ['sends more than a message may have', (socket) => socket.send(`"${'x'.repeat(20_000)}"`), 1009],
  ])('is cut when it %s', async (_what, misbehave, code) => {
    const socket = await connect()

    misbehave(socket)

    expect((await socket.closed).code).toBe(code)
  })

  test('is cut when it uses an id twice', async () => {
    const socket = await connectAs(await signIn(studio().member))
    await socket.message('connection_ack')

    socket.send(subscription('a'))
    await socket.message('next')
    socket.send(subscription('a'))

    expect((await socket.closed).code).toBe(4409)
  })

  test('is cut when it speaks another protocol', async () => {
    const socket = await connect('graphql-ws')

    await socket.closed
    expect(socket.received).toEqual([])
  })
})

describe('limits', () => {
  test('a caller has so many connections and no more, and again one when one has gone', async () => {
    const token = await signIn(studio().member)
    const [first, second] = [await connectAs(token), await connectAs(token)]
    await Promise.all([first.message('connection_ack'), second.message('connection_ack')])

    const third = await connectAs(token)
    const other = await connectAs(await signIn(studio().member))

    expect((await third.closed).code).toBe(4403)
    expect(await other.message('connection_ack')).toBeDefined()
    first.socket.terminate()
    // The server hears of it when it hears of it: until then the answer is the same.
    await eventually(async () => {
      const again = await connectAs(token)
      expect(await Promise.race([again.message('connection_ack'), again.closed])).toHaveProperty('type')
    })
  })

  test('a connection has so many operations and no more', async () => {
    const socket = await connectAs(await signIn(studio().member))
    await socket.message('connection_ack')

    for (const id of ['a', 'b', 'c']) socket.send(subscription(id))

    const error = await socket.message('error')
    expect(error).toMatchObject({
      id: 'c',
      payload: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'operationsPerConnection' } }],
    })
  })

  test('a consumer that does not read is cut, and others are served meanwhile', async () => {
    // Large events, more of them than the systems' buffers between the two hold.
    const count = 300
    const names = Array.from({ length: 600 }, (_, index) => `n${index}: name`).join(' ')
    const query = `subscription { doorChanged { event door { ${names} } } }`
    const slowToken = await signIn(studio().member)
    const [slow, quick] = [await connectAs(slowToken), await connectAs(await signIn(studio().member))]
    await Promise.all([slow, quick, await connectAs(slowToken)].map((one) => one.message('connection_ack')))
    for (const socket of [slow, quick]) socket.send({ id: 'a', type: 'subscribe', payload: { query } })
    await Promise.all([slow.message('next'), quick.message('next')])

    slow.socket.pause()
    await run(`do $$ begin for n in 1..${count} loop
      update app_public.doors set name = repeat('x', 90) || n where id = '${studio().doorId}';
    end loop; end $$`)

    const nexts = ({ received }: RawSocket) => received.filter(({ type }) => type === 'next').length
    await eventually(() => expect(nexts(quick)).toBe(count + 1), 30_000)
    // Two at once are the most for a token, so that there is room for another once the slow one is out.
    await eventually(async () => {
      const another = await connectAs(slowToken)
      expect(await Promise.race([another.message('connection_ack'), another.closed])).toHaveProperty('type')
    })
    slow.socket.resume()
    expect([1006, 1013]).toContain((await slow.closed).code)
    expect(nexts(slow)).toBeLessThan(count)
  })
})
