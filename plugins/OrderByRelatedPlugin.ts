import 'postgraphile'
import type {
  PgCodecRelation,
  PgCodecWithAttributes,
  PgResource,
  PgSelectQueryBuilder,
} from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'

/**
 * Rows in the order of a row they belong to: where `track.album` is a field, `ALBUM_TITLE_ASC` and
 * `ALBUM_TITLE_DESC` are orders of tracks. A column of the table's own with such a name goes first.
 */
export const OrderByRelatedPlugin: GraphileConfig.Plugin = {
  name: 'OrderByRelatedPlugin',
  version: '1.0.0',
  description: 'Orders rows by the columns of the rows they belong to.',
  after: ['PgOrderAllAttributesPlugin'],

  schema: {
    hooks: {
      GraphQLEnumType_values(values, build, { scope }) {
        const { pgCodec, isPgRowSortEnum } = scope
        if (!isPgRowSortEnum || !pgCodec?.attributes || pgCodec.polymorphism) return values
        const { behavior, inflection, sql } = build
        const relations = build.input.pgRegistry.pgRelations[pgCodec.name] ?? {}

        const added: Record<string, object> = {}
        for (const [relationName, relation] of Object.entries(relations) as [string, PgCodecRelation][]) {
          const resource = relation.remoteResource as PgResource
          const remote = resource.codec as PgCodecWithAttributes
          const isField =
            behavior.pgCodecRelationMatches(relation, 'singularRelation:resource:single') &&
            behavior.pgResourceMatches(resource, 'resource:select')
          if (relation.isReferencee || !relation.isUnique || !isField || remote.polymorphism) continue
          const field = inflection.singleRelation({
            registry: build.input.pgRegistry,
            codec: pgCodec as PgCodecWithAttributes,
            relationName,
          })

          for (const [attributeName, attribute] of Object.entries(remote.attributes)) {
            if (attribute.via) continue
            if (!behavior.pgCodecAttributeMatches([remote, attributeName], 'attribute:orderBy')) continue
            for (const variant of ['asc', 'desc'] as const) {
              const order = inflection.orderByAttributeEnum({ codec: remote, attributeName, variant })
              const name = inflection.coerceToGraphQLName(`${inflection.constantCase(field)}_${order}`)
              if (name in values) continue
              added[name] = {
                description: `By \`${inflection.attribute({ codec: remote, attributeName })}\` of \`${field}\`.`,
                extensions: {
                  grafast: {
                    apply(query: PgSelectQueryBuilder) {
                      query.orderBy({
                        fragment: sql`${query.singleRelation(relationName)}.${sql.identifier(attributeName)}`,
                        codec: attribute.codec,
                        nullable: true, // also where the column is not: the row may be hidden from the caller
                        direction: variant === 'asc' ? 'ASC' : 'DESC',
                      })
                    },
                  },
                },
              }
            }
          }
        }
        return build.extend(values, added, 'OrderByRelatedPlugin adding orders')
      },
    },
  },
}
