import 'postgraphile'
import { type PgCodec, TYPES } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { type SQL, sql } from 'postgraphile/pg-sql2'

/**
 * What the stock plugins get wrong in databases that they do not expect. Shows what they leave out: columns
 * of types that nobody here knows (those of extensions, such as pgvector's; multiranges), as text, the way
 * Postgres writes and reads them; and unlogged tables. Offers nothing that cannot work: to write a generated
 * column, to call a procedure or an aggregate. Says exactly what there is: a range that is null is null, a
 * date may be infinite or before Christ.
 */
export const WholeDatabasePlugin: GraphileConfig.Plugin = {
  name: 'WholeDatabasePlugin',
  version: '1.0.0',
  description: 'Shows all of a database, and nothing that is not there.',

  gather: {
    hooks: {
      pgCodecs_findPgCodec(info, event) {
        const { pgType, serviceName } = event
        const isPlain = ['b', 'm'].includes(pgType.typtype ?? '') && pgType.typcategory !== 'A'
        if (event.pgCodec || !isPlain) return
        const schema = pgType.getNamespace()!.nspname
        event.pgCodec = {
          ...TYPES.text,
          name: `${schema}.${pgType.typname}`,
          sqlType: info.helpers.pgBasics.identifier(schema, pgType.typname),
          extensions: { pg: { serviceName, schemaName: schema, name: pgType.typname } },
          hasNaturalOrdering: false,
          hasNaturalEquality: false,
        }
        textCodecs.add(event.pgCodec)
      },
      pgCodecs_PgCodec(_info, { pgCodec }) {
        makeExact(pgCodec)
      },
      pgCodecs_recordType_spec(_info, { spec: { extensions } }) {
        if (extensions?.pg?.persistence === 'u') delete extensions.pg.persistence
      },
      pgTables_PgResourceOptions(_info, { resourceOptions: { extensions } }) {
        if (extensions?.pg?.persistence === 'u') delete extensions.pg.persistence
      },
      pgCodecs_attribute(_info, { pgAttribute, attribute }) {
        if (!pgAttribute.attgenerated) return
        attribute.extensions = { ...attribute.extensions, isInsertable: false, isUpdatable: false }
      },
      pgProcedures_PgResourceOptions(_info, { pgProc, resourceOptions }) {
        if (pgProc.prokind !== 'f')
          resourceOptions.extensions = { ...resourceOptions.extensions, canExecute: false }
      },
    },
  },

  schema: {
    entityBehavior: {
      pgCodecAttribute: {
        inferred: (behavior, [codec, attributeName]) =>
          isComparable(codec.attributes[attributeName]!.codec) ? behavior : [behavior, '-filterBy'],
      },
      pgCodecRelation: {
        // An enum table is shown as its values, so there are no rows of it to filter by.
        inferred: (behavior, { remoteResource }) =>
          remoteResource.extensions?.tags?.enum === undefined ? behavior : [behavior, '-filterBy'],
      },
    },
    hooks: {
      init: {
        before: ['PgCodecs'],
        callback(_, build) {
          for (const codec of build.allPgCodecs) {
            if (textCodecs.has(codec)) build.setGraphQLTypeForPgCodec(codec, ['input', 'output'], 'String')
          }
          return _
        },
      },
    },
  },
}

const textCodecs = new WeakSet<PgCodec>()

const { json, xml, point, line, lseg, box, path, polygon, circle } = TYPES
const incomparable: readonly unknown[] = [json, xml, point, line, lseg, box, path, polygon, circle]

/** Whether Postgres can say that two values are the same. Of circles it can, but means their areas. */
function isComparable(codec: PgCodec): boolean {
  const inner = (codec.domainOfCodec ?? codec.arrayOfCodec) as PgCodec | undefined
  return inner ? isComparable(inner) : !incomparable.includes(codec)
}

/** Has a codec read what the stock one takes for null, or for another date, and null as null. */
function makeExact(codec: PgCodec): void {
  if (exactCodecs.has(codec)) return
  exactCodecs.add(codec)
  const { castFromPg, rangeOfCodec } = codec
  const arrayOfCodec = codec.arrayOfCodec as PgCodec | undefined
  if (rangeOfCodec && castFromPg) {
    codec.castFromPg = (range) => sql`case when (${range}) is not null then ${castFromPg(range)} end`
  } else if (times.includes(codec)) {
    // The stock ones give 24:00 as 00:00, and leave an offset to the time zone of the session.
    codec.castFromPg = (time) => sql`(${time})::text`
    codec.listCastFromPg = (list) => sql`(${list})::text`
  } else if (castFromPg && dates.includes(codec)) {
    const cast = (date: SQL) =>
      sql`case when isfinite(${date}) and (${date}) >= '0001-01-01' then ${castFromPg(date)} else (${date})::text end`
    const each = sql.identifier(Symbol('each'))
    codec.castFromPg = cast
    codec.listCastFromPg = (list) =>
      sql`case when (${list}) is not null then array(select ${cast(each)} from unnest(${list}) as ${each})::text end`
  } else if (arrayOfCodec && [...dates, ...times].includes(arrayOfCodec)) {
    makeExact(arrayOfCodec)
    codec.castFromPg = arrayOfCodec.listCastFromPg
  }
}

const dates: PgCodec[] = [TYPES.date, TYPES.timestamp, TYPES.timestamptz]
const times: PgCodec[] = [TYPES.time, TYPES.timetz]
const exactCodecs = new WeakSet<PgCodec>() // codecs of dates and times are shared by all schemas
