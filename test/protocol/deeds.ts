import type { Random } from '../support/random.ts'
import type { Key, Referee } from './referee.ts'

/** Runs a statement on the connection of a deed. */
export type Query = (sql: string, values?: unknown[]) => Promise<Record<string, any>[]>

/** A transaction as somebody's: who they are, what they do, and what follows for the referee once it is committed. */
export type Deed = {
  name: string
  caller: { person: string } | Key | null
  act(query: Query): Promise<() => void>
}

/** Who and what there is. */
export type World = { manager: string; people: string[]; devices: string[]; doors: string[] }

/** Something that may happen now. What it is about is settled here, before it begins: by then it is under way. */
export function chooseDeed(random: Random, world: World, referee: Referee): Deed {
  const { pick, chance, next } = random
  const ids = [...referee.commands.keys()]
  if (ids.length === 0) return ask(pick(world.people), pick(world.doors), referee)

  // Mostly what has just been asked for, by the device that it is for; now and then anything by anybody.
  const id = chance(0.7) ? ids.at(-1)! : pick(ids)
  const own = referee.keys.filter(({ device }) => device === referee.commands.get(id)!.device)
  const key = chance(0.75) ? own.at(-1)! : pick(referee.keys)
  const device = chance(0.7) ? key.device : pick(world.devices)

  const share = next()
  if (share < 0.16) {
    // Guests ask again with the pass that was used last, as those do whose door has not opened yet.
    const { pass } = referee.commands.get(ids.at(-1)!)!
    return chance(0.3)
      ? askAsGuest(pass ?? pick([...referee.passes.keys()]), pick(world.doors), referee)
      : ask(pick(world.people), pick(world.doors), referee)
  }
  if (share < 0.5) return claim(id, key, referee)
  if (share < 0.62) return report(id, key, chance(0.6), referee)
  if (share < 0.7) return settle(id, referee)
  if (share < 0.75) return expire(id, referee)
  if (share < 0.79) return age(id, referee)
  if (share < 0.86) {
    const { person, pass } = referee.commands.get(id)!
    if (pass !== null) return endPass(pass, chance(0.5), referee)
    // The owner stays, as there has to be one.
    return changeMembership(person === world.manager ? pick(world.people) : person, chance(0.5), referee)
  }
  if (share < 0.92) return assign(referee.commands.get(id)!.door, pick([...world.devices, null]), referee)
  return chance(0.4) ? revoke(device, world, referee) : enrol(device, world, referee)
}

const ask = (person: string, door: string, referee: Referee): Deed => ({
  name: 'ask',
  caller: { person },
  async act(query) {
    const [answer] = await query('select command_id from app_public.unlock_door($1)', [door])
    const [command] = await query('select id, device_id from app_public.unlock_commands where id = $1', [
      answer!.command_id,
    ])
    return () => command && referee.asked(command.id as string, door, command.device_id as string, { person })
  },
})

/** As the page of the pass does. */
const askAsGuest = (pass: string, door: string, referee: Referee): Deed => ({
  name: 'ask as a guest',
  caller: null,
  async act(query) {
    const [answer] = await query('select command_id from app_private.open_door($1, null, $2)', [door, pass])
    const [command] = await query('select id, device_id from app_public.unlock_commands where id = $1', [
      answer!.command_id,
    ])
    return () => command && referee.asked(command.id as string, door, command.device_id as string, { pass })
  },
})

/** A pass is revoked, or its time is over. */
const endPass = (id: string, isRevoked: boolean, referee: Referee): Deed => ({
  name: isRevoked ? 'revoke a pass' : 'end a pass',
  caller: null,
  async act(query) {
    await query(
      isRevoked
        ? 'update app_public.guest_passes set revoked_at = coalesce(revoked_at, now()) where id = $1'
        : 'update app_public.guest_passes set ends_at = least(ends_at, clock_timestamp()) where id = $1',
      [id],
    )
    return () => (referee.passes.get(id)![isRevoked ? 'isRevoked' : 'isOver'] = true)
  },
})

const claim = (id: string, key: Key, referee: Referee): Deed => ({
  name: 'claim',
  caller: key,
  async act(query) {
    const [answer] = await query('select is_granted from app_public.claim_unlock($1)', [id])
    return () => {
      if (answer!.is_granted) referee.granted(id, key)
    }
  },
})

const report = (id: string, key: Key, hasOpened: boolean, referee: Referee): Deed => ({
  name: 'report',
  caller: key,
  async act(query) {
    const [answer] = await query('select app_public.report_unlock($1, $2) as is_so', [id, hasOpened])
    return () => {
      if (answer!.is_so) referee.reported(id, key, hasOpened)
    }
  },
})

/** What the job does, and a look at what came of it. */
export const settle = (id: string, referee: Referee): Deed => ({
  name: 'settle',
  caller: null,
  async act(query) {
    await query('select app_private.settle_unlock($1)', [id])
    const [command] = await query('select state from app_public.unlock_commands where id = $1', [id])
    return () => referee.seen(id, command!.state as string)
  },
})

/** Time goes by, for one command: its end is now past. */
export const expire = (id: string, referee: Referee): Deed => ({
  name: 'expire',
  caller: null,
  async act(query) {
    const changed = await query(
      `update app_public.unlock_commands set expires_at = clock_timestamp()
       where id = $1 and state = 'pending' returning id`,
      [id],
    )
    return () => changed.length > 0 && referee.expired(id)
  },
})

/** Time goes by since a claim. */
export const age = (id: string, referee: Referee): Deed => ({
  name: 'age',
  caller: null,
  async act(query) {
    const changed = await query(
      `update app_public.unlock_commands set claimed_at = claimed_at - interval '15 seconds'
       where id = $1 and state = 'claimed' returning id`,
      [id],
    )
    return () => changed.length > 0 && referee.aged(id)
  },
})

const changeMembership = (person: string, isMember: boolean, referee: Referee): Deed => ({
  name: isMember ? 'join' : 'remove',
  caller: null,
  async act(query) {
    await query(
      isMember
        ? `insert into app_public.memberships (organization_id, person_id)
           select id, $1 from app_public.organizations where name = 'Studio' on conflict do nothing`
        : 'delete from app_public.memberships where person_id = $1',
      [person],
    )
    return () => (isMember ? referee.members.add(person) : referee.left(person))
  },
})

const assign = (door: string, device: string | null, referee: Referee): Deed => ({
  name: 'assign',
  caller: null,
  async act(query) {
    await query('update app_public.doors set device_id = $2 where id = $1', [door, device])
    return () => referee.controllers.set(door, device)
  },
})

const revoke = (device: string, { manager }: World, referee: Referee): Deed => ({
  name: 'revoke',
  caller: { person: manager },
  async act(query) {
    await query('select app_public.revoke_device($1)', [device])
    return () => referee.revoked(device)
  },
})

const enrol = (device: string, { manager }: World, referee: Referee): Deed => ({
  name: 'enrol',
  caller: { person: manager },
  async act(query) {
    const [made] = await query('select code from app_public.create_enrolment_code($1)', [device])
    const [key] = await query('select token from app_public.enrol_device($1)', [made!.code])
    return () => referee.enrolled(device, key!.token as string)
  },
})
