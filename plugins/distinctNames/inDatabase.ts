import 'postgraphile'
import type { PgCodec } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'

/** Graphile's functions that give names. */
export type Inflection = GraphileBuild.Inflection

/** The name of a codec, as a text: codecs are generic in it, which the inflectors' types have lost. */
export const nameOf = (codec: { name: unknown }): string => String(codec.name)

/** As much of a resource or a codec as is the same whatever they are of. */
export type Extended<T extends { extensions?: unknown }> = Pick<T, 'extensions'>

/** What the database calls the thing that a codec stands for, as a GraphQL name; undefined when nothing. */
export function nameInDatabase(
  inflection: Inflection,
  { extensions }: Extended<PgCodec>,
): string | undefined {
  const { pg, tags } = extensions ?? {}
  if (typeof tags?.name === 'string') return inflection.coerceToGraphQLName(inflection.camelCase(tags.name))
  if (!pg) return undefined
  const pgNamespace = { nspname: pg.schemaName } as Parameters<Inflection['_schemaPrefix']>[0]['pgNamespace']
  const prefix = inflection._schemaPrefix({ pgNamespace, serviceName: pg.serviceName ?? 'main' })
  return inflection.coerceToGraphQLName(inflection.camelCase(`${prefix}${pg.name}`))
}
