import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { startCompanions } from '../src/companions.ts'
import { withConnection } from '../src/database/connection.ts'
import { demoCompanions, seedDemo, visitDemo } from '../src/database/demo.ts'
import { Fault } from '../src/fault.ts'
import type { ProjectDatabase } from './projectDatabase.ts'

/** Times of one unlock, in ms: until `unlockDoor` was answered, of the claim alone, and until that was granted. */
export type UnlockTimes = { answered: number; claim: number; granted: number }

const patienceMs = 15_000

/** The demo served at `url`, with the controller of its front door, which is the real one in a process of its own. */
export async function makeUnlockSubject({ ownerUrl }: ProjectDatabase, url: string, folder: string) {
  await seedDemo(ownerUrl)
  const demo = await visitDemo(ownerUrl)
  if (!demo) throw new Fault('The demo is not there.')
  const { token } = demo

  const said: string[] = []
  let heard = (_line: string) => {}
  const all = await demoCompanions(ownerUrl, { url, folder, files: [] })
  const controller = startCompanions(
    all.filter(({ name }) => name === 'Front door'),
    (line) => {
      said.push(line)
      heard(line)
    },
  )
  const says = <T>(pattern: RegExp, found: (match: RegExpExecArray) => T) =>
    new Promise<T>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Fault('The controller has not said what it should.', said.slice(-5))),
        patienceMs,
      )
      heard = (line) => {
        const match = pattern.exec(line)
        if (!match) return
        clearTimeout(timer)
        resolve(found(match))
      }
    })
  await says(/Connected/, () => {})

  const ask = async (query: string, as = token): Promise<Answer> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${as}`,
      },
      body: JSON.stringify({ query }),
    })
    return (await response.json()) as Answer
  }
  const sql = <Row extends object>(text: string) =>
    withConnection(ownerUrl, async (client) => (await client.query<Row>(text)).rows[0]!)
  const unlock = demo.example

  return {
    token,
    close: controller.close,

    /** Opens the front door, and waits until its controller has been granted that. */
    async open(): Promise<UnlockTimes> {
      const began = performance.now()
      const [granted, answered] = await Promise.all([
        says(/Opened .*granted within (\d+) ms/, ([, ms]) => ({
          granted: performance.now() - began,
          claim: Number(ms),
        })),
        ask(unlock).then((answer) => {
          if (!isAllowed(answer)) throw new Fault('The door was not opened.', [JSON.stringify(answer)])
          return performance.now() - began
        }),
      ])
      return { answered, ...granted }
    },

    /** Revokes a device with a socket; ms from the answer until that is closed, and until a request is refused. */
    async revoke(): Promise<{ closed: number; refused: number }> {
      const device = await sql<{ id: string; token: string }>(
        `with device as (
           update app_public.devices set enrolled_at = clock_timestamp(), revoked_at = null
           where name = 'Roof controller'
           returning id
         )
         select device.id, key.token from device, app_private.make_device_key(device.id) as key`,
      )
      const socket = await subscribe(url, device.token)
      const closed = new Promise<number>((resolve) => socket.on('close', () => resolve(performance.now())))
      const answer = await ask(
        `mutation { revokeDevice(input: { id: "${device.id}" }) { clientMutationId } }`,
      )
      const acknowledged = performance.now()
      const next = await ask('mutation { sendHeartbeat(input: {}) { clientMutationId } }', device.token)
      const refused = performance.now() - acknowledged
      if (answer.errors || !next.errors) throw new Fault('A device that was revoked was not refused.')
      return { closed: (await closed) - acknowledged, refused }
    },

    /** Removes a member who could open the door a moment before; ms from the answer until they are denied. */
    async remove(): Promise<number> {
      const member = await sql<{ id: string; token: string }>(
        `with member as (
           insert into app_public.memberships (organization_id, person_id, role)
           select offices.organization_id, people.id, 'member'
           from app_public.offices, app_public.people
           where offices.name = 'Berlin' and people.name = 'Emil Sand'
           returning id, person_id
         )
         select member.id, session.token from member, app_private.start_session(member.person_id) as session`,
      )
      const [before] = await Promise.all([ask(unlock, member.token), says(/Opened/, () => {})])
      const answer = await ask(
        `mutation { deleteMembership(input: { id: "${member.id}" }) { clientMutationId } }`,
      )
      const acknowledged = performance.now()
      const after = await ask(unlock, member.token)
      if (answer.errors || !isAllowed(before) || isAllowed(after))
        throw new Fault('A member who was removed was not denied.', [JSON.stringify([before, answer, after])])
      return performance.now() - acknowledged
    },

    /** A time without anything, of a length that does not fall in step with anything. */
    pause: () => sleep(10 + Math.random() * 40),
  }
}

type Answer = {
  data?: { unlockDoor?: { result: { isAllowed: boolean } } } | null
  errors?: { message: string }[]
}

const isAllowed = ({ data }: Answer) => data?.unlockDoor?.result.isAllowed === true

/** Opens a socket as a device that waits for commands; resolves once it would be told. */
function subscribe(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, 'graphql-transport-ws')
  const send = (message: object) => socket.send(JSON.stringify(message))
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }))
    socket.on('message', (data: Buffer) => {
      const { type } = JSON.parse(data.toString()) as { type: string }
      const query = 'subscription { unlockCommandChanged { event id } }'
      if (type === 'connection_ack') send({ id: '1', type: 'subscribe', payload: { query } })
      else if (type === 'next') resolve(socket)
    })
  })
}
