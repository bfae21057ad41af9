// Longer than most: being linked, and what only those who are may do, are tried on the same commands.
import { beforeEach, describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'
import { makeStudio, type Studio } from '../support/people.ts'
import { startSession } from '../support/sessions.ts'
import { connectSlack } from '../support/slackStudio.ts'

const { owner, person, stayIn } = useTransaction()
let studio: Studio
beforeEach(async () => {
  studio = await makeStudio(owner)
  await connectSlack(owner, studio.organizationId)
  for (const id of [studio.owner, studio.manager, studio.member, studio.stranger]) {
    stayIn(await startSession(owner, id), id)
  }
})

type Button = { text: { text: string } }

let count = 0
/** Types `/door` and what follows as a Slack user; the text of the answer. */
async function door(text: string, user = 'U1', publicUrl: string | null = null): Promise<string> {
  const [row] = await owner('select app_private.slack_command($1, $2, $3) as answer', [
    `signature ${++count}`,
    { team_id: 'T1', user_id: user, user_name: user.toLowerCase(), trigger_id: `${count}`, text },
    publicUrl,
  ])
  return (row!.answer as { text: string }).text
}
const codeOf = async (user = 'U1') => /`([A-Z0-9-]+)`/.exec(await door('link', user))![1]!
const offer = async (id: string, code: string) =>
  (
    await person(id)('select (offer).* from (select app_public.slack_link_offer($1) as offer) as offered', [
      code,
    ])
  )[0]!
const link = async (id: string, code: string) =>
  (await person(id)('select * from app_public.link_slack($1)', [code]))[0]!
const links = () =>
  owner('select person_id, slack_user_id from app_public.slack_links order by slack_user_id')
const events = (id: string) =>
  owner(
    `select kind, detail from app_public.security_events where person_id = $1 and kind like 'slack%' order by id`,
    [id],
  )

describe('a Slack user whom nobody knows', () => {
  test('opens nothing, and is shown how to be linked', async () => {
    expect(await door('')).toMatch(/^Sign in and link your account with this code: `.{4}-.{4}-.{4}`\n/)
    expect(await door('front', 'U1', 'https://app.example.com/')).toMatch(
      /^<https:\/\/app\.example\.com\/slack#.{4}-.{4}-.{4}\|Sign in to link your account>\n/,
    )
    expect(await owner('select from app_public.door_decisions')).toEqual([])
  })

  test('has their code nowhere in the database but as a hash', async () => {
    const code = await codeOf()

    const rows = await owner(
      `select from app_private.slack_link_codes as t where t::text like '%' || $1 || '%'
       union all
       select from app_private.slack_receipts as t where t::text like '%' || $1 || '%'`,
      [code],
    )
    expect(rows).toEqual([])
  })
})

describe('app_public.link_slack', () => {
  test('a member sees who would act as them, links them, and is told', async () => {
    const code = await codeOf()

    expect(await offer(studio.member, code)).toMatchObject({
      organization_id: studio.organizationId,
      team_id: 'T1',
      team_name: 'Studio',
      slack_user_id: 'U1',
      slack_user_name: 'u1',
    })
    expect(await link(studio.member, code.toLowerCase().replaceAll('-', ' '))).toMatchObject({
      person_id: studio.member,
      slack_user_id: 'U1',
    })
    expect(await events(studio.member)).toEqual([{ kind: 'slack_linked', detail: 'Studio, u1 in Studio' }])
    expect(await door('')).toBe('Opening *Front* …')
  })

  test('a code is good once', async () => {
    const code = await codeOf()
    await link(studio.member, code)

    expect((await link(studio.manager, code)).id).toBe(null)
    expect((await offer(studio.manager, code)).team_id).toBe(null)
    expect(await links()).toEqual([{ person_id: studio.member, slack_user_id: 'U1' }])
  })

  test('a code that has expired, was replaced or is made up links nobody', async () => {
    const replaced = await codeOf()
    const expired = await codeOf()
    await owner(`update app_private.slack_link_codes set expires_at = now()`)

    for (const code of [replaced, expired, 'AAAA-BBBB-CCCC', '']) {
      expect((await offer(studio.member, code)).team_id).toBe(null)
      expect((await link(studio.member, code)).id).toBe(null)
    }
    expect(await links()).toEqual([])
  })

  test('a stranger cannot use the code of a workspace that is not theirs, nor look at it', async () => {
    const code = await codeOf()

    expect((await offer(studio.stranger, code)).team_id).toBe(null)
    expect((await link(studio.stranger, code)).id).toBe(null)
    expect((await link(studio.member, code)).person_id).toBe(studio.member)
  })

  test('a member who signed in long ago signs in again first, and the code still works', async () => {
    const code = await codeOf()
    stayIn(await startSession(owner, studio.member, '11 minutes'), studio.member)

    await expect(link(studio.member, code)).rejects.toMatchObject({ code: 'REAUT' })

    stayIn(await startSession(owner, studio.member), studio.member)
    expect((await link(studio.member, code)).person_id).toBe(studio.member)
  })

  test('a member who links another Slack user ends the link of the first', async () => {
    await link(studio.member, await codeOf('U1'))

    await link(studio.member, await codeOf('U2'))

    expect(await links()).toEqual([{ person_id: studio.member, slack_user_id: 'U2' }])
    expect(await door('')).toContain('link your account')
  })

  test('a Slack user who is linked to somebody else acts as them from then on, and the first is told', async () => {
    await link(studio.member, await codeOf())

    await link(studio.manager, await codeOf())

    expect(await links()).toEqual([{ person_id: studio.manager, slack_user_id: 'U1' }])
    expect(await events(studio.member)).toContainEqual({ kind: 'slack_unlinked', detail: 'Studio, u1' })
  })
})

describe('app_public.unlink_slack', () => {
  const idOf = async (id: string) => (await link(id, await codeOf())).id as string
  const unlink = (id: string, which: string) =>
    person(id)('select id from app_public.unlink_slack($1)', [which])

  test.each(['member', 'manager', 'owner'] as const)('the %s may end the link of a member', async (who) => {
    const id = await idOf(studio.member)

    await unlink(studio[who], id)

    expect(await links()).toEqual([])
    expect(await events(studio.member)).toContainEqual({ kind: 'slack_unlinked', detail: 'Studio, u1' })
    expect(await door('')).toContain('link your account')
  })

  test('a stranger may not, nor a member that of somebody else', async () => {
    const id = await idOf(studio.manager)

    await expect(unlink(studio.stranger, id)).rejects.toMatchObject({ code: 'NTFND' })
    await expect(unlink(studio.member, id)).rejects.toMatchObject({ code: 'NTFND' })
    expect(await links()).toHaveLength(1)
  })
})

describe('whoever is removed', () => {
  beforeEach(async () => {
    await link(studio.member, await codeOf())
  })

  test('opens nothing from Slack any more', async () => {
    await owner('delete from app_public.memberships where person_id = $1', [studio.member])

    expect(await door('')).toContain('link your account')
    expect(await links()).toEqual([])
    expect(await owner('select from app_public.unlock_commands')).toEqual([])
  })

  test('does not get back in by an older code', async () => {
    const code = await codeOf()
    await owner('delete from app_public.memberships where person_id = $1', [studio.member])

    expect((await link(studio.member, code)).id).toBe(null)
  })
})

describe('/door', () => {
  beforeEach(async () => {
    await link(studio.member, await codeOf())
  })
  const addDoor = (name: string) =>
    owner(
      `insert into app_public.doors (organization_id, office_id, name, device_id) values ($1, $2, $3, $4)`,
      [studio.organizationId, studio.officeId, name, studio.deviceId],
    )
  const answer = async (text: string) => {
    const [row] = await owner('select app_private.slack_command($1, $2) as answer', [
      `signature ${++count}`,
      { team_id: 'T1', user_id: 'U1', trigger_id: `${count}`, text },
    ])
    const { text: said, blocks } = row!.answer as { text: string; blocks?: { elements: Button[] }[] }
    return { said, buttons: blocks?.[1]?.elements.map(({ text: { text: label } }) => label) ?? [] }
  }

  test('opens the door of a name, however it is written', async () => {
    await addDoor('Back door')

    expect(await door('  BACK door ')).toBe('Opening *Back door* …')
  })

  test('offers the doors where there are several and no name', async () => {
    await addDoor('Back')

    expect(await answer('')).toEqual({ said: 'Which door?', buttons: ['Back (Main)', 'Front (Main)'] })
  })

  test('offers those of a name that several have', async () => {
    await addDoor('Front')
    await addDoor('Back')

    expect(await answer('front')).toEqual({ said: 'Which door?', buttons: ['Front (Main)', 'Front (Main)'] })
  })

  test('offers all where none has the name, and repeats it as words', async () => {
    await addDoor('Back')

    expect(await answer('<!channel>')).toEqual({
      said: 'There is no door “&lt;!channel&gt;”. Which one?',
      buttons: ['Back (Main)', 'Front (Main)'],
    })
  })

  test('offers no more buttons than Slack takes', async () => {
    for (let index = 0; index < 30; index++) await addDoor(`Door ${index} ${'x'.repeat(80)}`)

    const { buttons } = await answer('')

    expect(buttons).toHaveLength(25)
    expect(Math.max(...buttons.map((label) => label.length))).toBe(75)
  })

  test('says why a door stays shut, and has it in the log', async () => {
    await owner('delete from app_public.access_rules')

    expect(await door('')).toMatch(/^\*Front\* stays shut\. ./)
    expect(await owner('select person_id, is_allowed from app_public.door_decisions')).toEqual([
      { person_id: studio.member, is_allowed: false },
    ])
  })

  test('does not know the doors of another organization', async () => {
    await owner(
      `with office as (
         insert into app_public.offices (organization_id, name) values ($1, 'There') returning *
       )
       insert into app_public.doors (organization_id, office_id, name)
       select organization_id, id, 'Vault' from office`,
      [studio.strangerOrganizationId],
    )

    expect((await answer('vault')).buttons).toEqual(['Front (Main)'])
  })

  test('says so where there is no door yet', async () => {
    await owner('delete from app_public.doors')

    expect(await door('')).toBe('There is no door yet.')
  })

  test('says so where the workspace is not connected', async () => {
    await owner('delete from app_public.slack_installations')

    expect(await door('')).toBe('This Slack workspace is not connected.')
  })
})
