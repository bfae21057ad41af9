import 'postgraphile'
import type {
  PgCodecAttribute,
  PgCodecWithAttributes,
  PgResource,
  PgResourceUnique,
} from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace DataplanPg {
    interface PgResourceUniqueExtensions {
      /** Whether Postgres can tell by this key, at once, that a row is there already. */
      canSettleConflict?: boolean
    }
  }
}

/** A table, or what behaves as one. */
export type Table = PgResource<string, PgCodecWithAttributes>

/** Whether a resource is one of rows with columns of its own, which could be written. */
export function isTable(resource: PgResource): resource is Table {
  const { codec, parameters } = resource
  return !parameters && !!codec.attributes && !codec.polymorphism && !codec.isAnonymous
}

/** The key that a row goes by: its `id` if that finds it, or else the primary key; undefined when there is neither. */
export function preferredKey(resource: Pick<PgResource, 'uniques'>): PgResourceUnique | undefined {
  const byId = resource.uniques.find(({ attributes }) => attributes.length === 1 && attributes[0] === 'id')
  return byId ?? primaryKey(resource)
}

/** The primary key, or undefined. */
export function primaryKey({ uniques }: Pick<PgResource, 'uniques'>): PgResourceUnique | undefined {
  return uniques.find(({ isPrimary }) => isPrimary)
}

/** The key by which a row can be read again once it is written; undefined when none is sure to find it. */
export function returnableKey(resource: Table): PgResourceUnique | undefined {
  const columns = resource.codec.attributes
  const isSure = ({ isPrimary, attributes }: PgResourceUnique) =>
    attributes.every((name) => isSelectable(columns[name]!) && (isPrimary || columns[name]!.notNull))
  return [primaryKey(resource), preferredKey(resource), ...resource.uniques].find((key) => key && isSure(key))
}

/** Whether a key finds rows that no part of it, being a key itself, finds already. */
export function finds({ uniques }: Pick<PgResource, 'uniques'>, { attributes }: PgResourceUnique): boolean {
  return !uniques.some(
    (other) =>
      other.attributes.length < attributes.length &&
      other.attributes.every((attribute) => attributes.includes(attribute)),
  )
}

/**
 * The keys by which a row can be created or else updated. All that may be given must be allowed both ways,
 * or else a value would be accepted and not kept.
 */
export function upsertKeys(resource: Table): PgResourceUnique[] {
  const { canInsert, canUpdate, isView, isMaterializedView, isForeignTable } = resource.extensions ?? {}
  const isStored = !isView && !isMaterializedView && !isForeignTable
  if (!isStored || canInsert === false || canUpdate === false) return []
  const columns = Object.entries<PgCodecAttribute>(resource.codec.attributes)
  const canBeKept = columns.filter(([, column]) => isInsertable(column) && isSelectable(column))
  const isNotKept = ([, column]: [string, PgCodecAttribute]) =>
    isInsertable(column) && !(isUpdatable(column) && isSelectable(column))
  return resource.uniques.filter((unique) => {
    const isKey = (name: string) => unique.attributes.includes(name)
    return (
      unique.extensions?.canSettleConflict !== false &&
      finds(resource, unique) &&
      unique.attributes.every((name) => canBeKept.some(([kept]) => kept === name)) &&
      !columns.some((column) => isNotKept(column) && !isKey(column[0])) &&
      columns.some(([, column]) => isUpdatable(column) && isSelectable(column))
    )
  })
}

/** Whether the grants let somebody give a column when a row is made. */
export const isInsertable = ({ extensions }: PgCodecAttribute): boolean =>
  extensions?.canInsert !== false && extensions?.isInsertable !== false
/** Whether the grants let somebody change a column. */
export const isUpdatable = ({ extensions }: PgCodecAttribute): boolean =>
  extensions?.canUpdate !== false && extensions?.isUpdatable !== false
/** Whether the grants let somebody read a column. */
export const isSelectable = ({ extensions }: PgCodecAttribute): boolean => extensions?.canSelect !== false
