import type { Run } from './database.ts'
import type { Studio } from './people.ts'

/** What a row of a rule, closure or lockdown has, apart from whose it is. */
type Columns = Record<string, unknown>

/** Makes a row of an office's rules, closures or lockdowns and returns its id; a rule is about all doors if not said. */
export async function makeInOffice(
  run: Run,
  { organizationId, officeId }: Pick<Studio, 'organizationId' | 'officeId'>,
  table: 'access_rules' | 'closures' | 'lockdowns',
  columns: Columns,
): Promise<string> {
  const row = {
    organization_id: organizationId,
    office_id: officeId,
    ...(table === 'access_rules' && { is_whole_office: true }),
    ...columns,
  }
  const names = Object.keys(row)
  const [made] = await run(
    `insert into app_public.${table} (${names.join()})
     values (${names.map((_, index) => `$${index + 1}`).join()}) returning id`,
    Object.values(row),
  )
  return made!.id as string
}
