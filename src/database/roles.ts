import pg from 'pg'
import { codeOf, Fault } from '../fault.ts'
import { databaseOf, withConnection } from './connection.ts'

/** The roles that a project's migrations grant to. */
export type Roles = { anonymous: string; person: string; device: string; authenticator: string }

/** The role that an address signs in as. */
export const roleOf = (url: string): string => decodeURIComponent(new URL(url).username)

/**
 * Makes the roles that are missing and lets the authenticator become each kind of caller. Roles belong
 * to the whole cluster, which is why no migration makes them. Safe to repeat and to run at once.
 * Where the owner may not make roles, throws a Fault with the SQL that an administrator has to run.
 */
export async function ensureRoles(ownerUrl: string, authenticatorUrl: string, roles: Roles): Promise<void> {
  const id = pg.escapeIdentifier
  const callers = [roles.anonymous, roles.person, roles.device]
  const password = decodeURIComponent(new URL(authenticatorUrl).password)

  await withConnection(ownerUrl, async (client) => {
    const { rows } = await client.query<{ role: string; is_granted: boolean }>(
      `select roles.rolname as role, exists (
         select from pg_auth_members
         join pg_roles as members on members.oid = pg_auth_members.member
         where pg_auth_members.roleid = roles.oid and members.rolname = $2
       ) as is_granted
       from pg_roles as roles
       where roles.rolname = any ($1)`,
      [[...callers, roles.authenticator], roles.authenticator],
    )
    const isGranted = new Map(rows.map((row) => [row.role, row.is_granted]))

    const login = (secret: string) =>
      `create role ${id(roles.authenticator)} login noinherit password ${secret}`
    const statements = [
      ...(isGranted.has(roles.authenticator) ? [] : [login(pg.escapeLiteral(password))]),
      ...callers.filter((role) => !isGranted.has(role)).map((role) => `create role ${id(role)} nologin`),
      ...callers
        .filter((role) => isGranted.get(role) !== true)
        .map((role) => `grant ${id(role)} to ${id(roles.authenticator)}`),
      `grant connect on database ${id(databaseOf(ownerUrl))} to ${id(roles.authenticator)}`,
    ]
    for (const statement of statements) {
      try {
        await client.query(statement)
      } catch (error) {
        const code = codeOf(error)
        if (code === '42710' || code === '23505') continue // made by somebody else meanwhile
        if (code !== '42501') throw error
        throw new Fault(
          `${roleOf(ownerUrl)} may not make the roles that the migrations grant to.`,
          [
            'Have an administrator of the server run, once:',
            ...statements.map(
              (sql) => `  ${sql.startsWith('create role') && sql.includes('password') ? login(`'…'`) : sql};`,
            ),
          ],
          { cause: error },
        )
      }
    }
  })
}
