import { describe, expect, test } from '@jest/globals'
import { useTransaction } from '../support/database.ts'

const as = useTransaction()

/** All that a role may do with tables, columns and functions of the application; `-` stands for everybody. */
const rights = `
  select format('%s %I.%I', lower(privilege_type), nspname, relname) as right
  from pg_class
  join pg_namespace on pg_namespace.oid = relnamespace and starts_with(nspname, 'app_')
  cross join aclexplode(relacl) as acl
  where acl.grantee = $1::regrole
  union all
  select format('%s %I.%I.%I', lower(privilege_type), nspname, relname, attname)
  from pg_attribute
  join pg_class on pg_class.oid = attrelid
  join pg_namespace on pg_namespace.oid = relnamespace and starts_with(nspname, 'app_')
  cross join aclexplode(attacl) as acl
  where acl.grantee = $1::regrole
  union all
  select format('%s %I.%I', lower(privilege_type), nspname, proname)
  from pg_proc
  join pg_namespace on pg_namespace.oid = pronamespace and starts_with(nspname, 'app_')
  cross join aclexplode(proacl) as acl
  where acl.grantee = $1::regrole
  order by 1`

const callers = ['plinth_anonymous', 'plinth_person', 'plinth_device']

describe('the roles', () => {
  test.each([
    [
      'plinth_authenticator',
      [
        'execute app_private.ended_sessions',
        'execute app_private.identify',
        'execute app_private.link_open_id',
        'execute app_private.note_uses',
        'execute app_private.sign_in_with_open_id',
        'execute app_private.slack_action',
        'execute app_private.slack_command',
        'execute app_private.slack_event',
        'execute app_private.slack_installed',
        'execute app_private.take_open_id_attempt',
        'execute app_private.take_slack_install',
        'select app_public.device_kinds',
        'select app_public.log_export_states',
        'select app_public.membership_roles',
        'select app_public.presence_origins',
        'select app_public.ring_states',
        'select app_public.security_event_kinds',
        'select app_public.unlock_states',
      ],
    ],
    [
      'plinth_anonymous',
      [
        'execute app_hidden.begin_open_id_attempt',
        'execute app_hidden.count_code',
        'execute app_hidden.count_enrolment',
        'execute app_hidden.count_mail',
        'execute app_hidden.count_password',
        'execute app_hidden.count_sign_in',
        'execute app_hidden.page_pass',
        'execute app_hidden.page_pass__submit',
        'execute app_hidden.password_salt',
        'execute app_public.confirm_sign_up',
        'execute app_public.current_person',
        'execute app_public.current_person_id',
        'execute app_public.current_session',
        'execute app_public.enrol_device',
        'execute app_public.find_invitation',
        'execute app_public.request_password_reset',
        'execute app_public.request_sign_in_code',
        'execute app_public.reset_password',
        'execute app_public.sign_in',
        'execute app_public.sign_in_with_code',
        'execute app_public.sign_up',
        'select app_public.device_kinds',
        'select app_public.log_export_states',
        'select app_public.membership_roles',
        'select app_public.people',
        'select app_public.presence_origins',
        'select app_public.ring_states',
        'select app_public.security_event_kinds',
        'select app_public.unlock_states',
      ],
    ],
    [
      'plinth_device',
      [
        'execute app_hidden.current_device_id',
        'execute app_hidden.new_id',
        'execute app_public.claim_unlock',
        'execute app_public.current_person_id',
        'execute app_public.report_unlock',
        'execute app_public.ring_doorbell',
        'execute app_public.rotate_device_key',
        'execute app_public.send_heartbeat',
        'select app_public.device_kinds',
        'select app_public.devices',
        'select app_public.doors',
        'select app_public.log_export_states',
        'select app_public.membership_roles',
        'select app_public.presence_origins',
        'select app_public.ring_states',
        'select app_public.rings',
        'select app_public.security_event_kinds',
        'select app_public.unlock_commands',
        'select app_public.unlock_states',
      ],
    ],
  ])('%s may do this and nothing else', async (role, expected) => {
    const rows = await as.owner(rights, [role])

    expect(rows.map((row) => row.right)).toEqual(expected)
  })

  test('nothing is granted to everybody', async () => {
    const rows = await as.owner(rights, ['-'])

    expect(rows).toEqual([])
  })

  test.each(callers)('%s cannot sign in, and is above no rule', async (role) => {
    const rows = await as.owner(
      `select rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = $1`,
      [role],
    )

    expect(rows).toEqual([
      { rolcanlogin: false, rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false },
    ])
  })

  test('no role but the owner owns anything of the application', async () => {
    const rows = await as.owner(
      `select distinct owner::regrole::text from (
         select nspowner from pg_namespace where starts_with(nspname, 'app_')
         union all select relowner from pg_class where starts_with(relnamespace::regnamespace::text, 'app_')
         union all select proowner from pg_proc where starts_with(pronamespace::regnamespace::text, 'app_')
       ) as things (owner)`,
    )

    expect(rows).toEqual([{ owner: 'plinth_owner' }])
  })

  test.each(['app_public', 'app_hidden', 'app_private', 'public'])(
    'no caller can make anything in the schema %s',
    async (schema) => {
      const rows = await as.owner(
        `select role from unnest($1::text[]) as role where has_schema_privilege(role, $2, 'create')`,
        [[...callers, 'plinth_authenticator'], schema],
      )

      expect(rows).toEqual([])
    },
  )
})
