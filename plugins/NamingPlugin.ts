import '@graphile/simplify-inflection'
import 'postgraphile'
import type { PgCodecRelation, PgResource, PgResourceUnique } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { finds, preferredKey } from './rows/keys.ts'

/**
 * Names that a reader would guess, where the stock ones show how a key is built:
 *
 * - a row is found by the shortest key it has: `door(id:)` also where the primary key is
 *   `(organization_id, id)`, and such a longer key, which finds nothing more, has no field;
 * - a relation over several columns is named after the last one: `(organization_id, office_id)` is
 *   `office`, like `office_id` alone would be;
 * - rows keep their `id`, and there is no second, global one;
 * - a table may be called `lines`: the type of Postgres is a `GeometricLine`.
 */
export const NamingPlugin: GraphileConfig.Plugin = {
  name: 'NamingPlugin',
  version: '1.0.0',
  description: 'Names rows by their shortest key and relations by their last column.',

  inflection: {
    replace: {
      _attributeName(previous, _options, details) {
        return previous?.({ ...details, skipRowId: true }) ?? details.attributeName
      },
      rowByUnique(previous, _options, details) {
        return previous!({ ...details, unique: asPreferred(details) })
      },
      updateByKeysField(previous, _options, details) {
        return previous!({ ...details, unique: asPreferred(details) })
      },
      updateByKeysInputType(previous, _options, details) {
        return previous!({ ...details, unique: asPreferred(details) })
      },
      deleteByKeysField(previous, _options, details) {
        return previous!({ ...details, unique: asPreferred(details) })
      },
      deleteByKeysInputType(previous, _options, details) {
        return previous!({ ...details, unique: asPreferred(details) })
      },
      singleRelation(previous, _options, details) {
        const relation = relationOf(details)
        const column = lastOfSeveral(relation?.localAttributes)
        const isOnly = (other: PgCodecRelation) =>
          other === relation || other.localAttributes.at(-1) !== column
        if (
          column &&
          relation &&
          !hasNameTag(relation) &&
          relationsFrom(details, details.codec).every(isOnly)
        ) {
          const base = this._getBaseName(column)
          if (base) return this.camelCase(base)
        }
        return previous!(details)
      },
      _manyRelation(previous, _options, details) {
        const relation = relationOf(details)
        const column = lastOfSeveral(relation?.remoteAttributes)
        if (column && relation && !hasNameTag(relation)) {
          const { codec } = relation.remoteResource
          const siblings = relationsFrom(details, codec).filter(
            (other) => other.remoteResource.codec === details.codec,
          )
          const base = this._getBaseName(column)
          if (base && siblings.length === 1 && this._baseNameMatches(base, nameOf(details.codec))) {
            return this.camelCase(this.distinctPluralize(this._singularizedCodecName(codec)))
          }
        }
        return previous!(details)
      },
      orderByAttributeEnum(previous, _options, details) {
        return this.coerceToGraphQLName(previous!(details)) // of the column 2fa: _2FA_ASC, not __2FA_ASC
      },
      builtin(previous, _options, name) {
        return geometric.includes(name) ? `Geometric${name}` : previous!(name)
      },
    },
  },

  schema: {
    entityBehavior: {
      pgResourceUnique: {
        inferred(behavior, [resource, unique]) {
          return finds(resource as PgResource, unique)
            ? behavior
            : [behavior, '-single', '-update', '-delete']
        },
      },
    },
  },
}

/** The same key, marked primary when it is the one that gets the short name, and only then. */
function asPreferred<Unique extends PgResourceUnique>({
  resource,
  unique,
}: {
  resource: PgResource
  unique: Unique
}): Unique {
  return { ...unique, isPrimary: preferredKey(resource)?.attributes === unique.attributes }
}

// Codecs are generic in their name, which the inflector's types have lost.
const nameOf = (codec: { name: unknown }): string => String(codec.name)

type RelationDetails = GraphileBuild.PgRelationsPluginRelationDetails

const relationOf = ({ registry, codec, relationName }: RelationDetails): PgCodecRelation | undefined =>
  registry.pgRelations[nameOf(codec)]?.[relationName]

const relationsFrom = ({ registry }: RelationDetails, codec: { name: string }): PgCodecRelation[] =>
  Object.values<PgCodecRelation>(registry.pgRelations[codec.name] ?? {}).filter(
    (relation) => !relation.isReferencee,
  )

const lastOfSeveral = (attributes: readonly string[] | undefined): string | undefined =>
  attributes && attributes.length > 1 ? attributes.at(-1) : undefined

function hasNameTag(relation: PgCodecRelation): boolean {
  const tags = relation.extensions?.tags ?? {}
  return tags.fieldName !== undefined || tags.foreignFieldName !== undefined
}

// Tables are called lines, points and boxes more often than columns are of these types.
const geometric = ['Box', 'Circle', 'Line', 'LineSegment', 'Path', 'Point', 'Polygon']
