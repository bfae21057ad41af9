import 'postgraphile'
import {
  isEnumCodec,
  type PgCodec,
  type PgCodecRelation,
  type PgRegistry,
  type PgResource,
  type PgResourceParameter,
  type PgResourceUnique,
} from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import { preferredKey, type Table, upsertKeys } from '../rows/keys.ts'
import { type Extended, type Inflection, nameInDatabase, nameOf } from './inDatabase.ts'
import { type Named, named, settle } from './settle.ts'

const rowEnds = ['', 'Connection', 'Edge', 'Input', 'Patch', 'BaseInput', 'Filter', 'OrderBy']
const scalarEnds = ['', 'Filter', 'ListFilter', 'Range', 'RangeInput', 'RangeBound', 'RangeBoundInput']
const reservedNames = [
  'ID Int Float String Boolean Query Mutation Subscription PageInfo Cursor BigInt BigFloat BitString CidrAddress',
  'Base64EncodedBinary Date Datetime InternetAddress Interval JSON JSONPath KeyValueHash LTree MacAddress MacAddress8 Oid RegClass',
  'RegConfig RegDictionary RegNamespace RegOper RegOperator RegProc RegProcedure RegRole RegType TSQuery TSVector',
  'Time UUID XML Query.query',
].flatMap((line) => line.split(' '))
const reservedFields = ['and', 'or', 'not', 'clientMutationId', 'patch', 'OrderBy.PRIMARY_KEY_ASC']

type FunctionResource = PgResource<
  string,
  PgCodec,
  readonly PgResourceUnique[],
  readonly PgResourceParameter[]
>

/** Names what there is but once, types and root fields, and then the fields of each type. */
export function settleNames(registry: PgRegistry, inflection: Inflection): void {
  const resources = Object.values(registry.pgResources)
  const codecs = Object.values(registry.pgCodecs)
  const tables = resources.filter((resource) => !resource.parameters && !resource.isVirtual) as Table[]
  const functions = resources.filter(({ parameters }) => parameters) as unknown as FunctionResource[]
  const types = codecs.filter(
    (codec) =>
      (codec.attributes || codec.domainOfCodec || isEnumCodec(codec)) &&
      !tables.some((table) => table.codec === codec),
  )

  settle(
    [
      ...inOrder(tables, inflection).map((table) => namedTable(table, inflection)),
      ...types.toSorted(byName).map((codec) => namedType(codec as PgCodec, inflection)),
      ...functions
        .filter(isShown)
        .toSorted(byName)
        .map((resource) => namedFunction(resource, inflection)),
    ],
    reservedNames.flatMap((name) => scalarEnds.map((end) => name + end)),
  )
  for (const codec of codecs) {
    if (codec.attributes) settle(namedFields(codec as Table['codec'], registry, inflection), reservedFields)
  }
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

/** What is shown first, tables before views, plain names before others, and short ones before long ones. */
function inOrder(tables: readonly Table[], inflection: Inflection): Table[] {
  const rank = (table: Table) => [
    Number(!isShown(table)),
    Number(isView(table)),
    Number(inflection.tableFieldName(table) !== inflection._codecName(table.codec)),
    100 + table.name.length,
  ]
  const key = (table: Table) => rank(table).join()
  return tables.toSorted((a, b) => (key(a) + b.name < key(b) + a.name ? -1 : 1))
}

const isView = ({ extensions }: Extended<PgResource>) =>
  Boolean(extensions?.isView ?? extensions?.isMaterializedView)
const isShown = ({ extensions }: Extended<PgResource>) =>
  extensions?.canSelect !== false &&
  extensions?.canExecute !== false &&
  extensions?.partitionParent === undefined &&
  extensions?.tags?.enum === undefined

function namedTable(resource: Table, inflection: Inflection): Named {
  const otherName = `${inflection._codecName(resource.codec)}${isView(resource) ? 'View' : 'Table'}`
  return named([resource.codec, resource], 'name', otherName, () => {
    const { canInsert, canUpdate, canDelete, tags } = resource.extensions ?? {}
    if (tags?.enum !== undefined) return []
    const keys = resource.uniques.map((unique) => ({ resource, unique }))
    const queries = [
      inflection.allRowsConnection(resource),
      ...keys.map((key) => inflection.rowByUnique(key)),
    ]
    const key = preferredKey(resource)
    const mutations = [
      ...(canInsert === false
        ? []
        : [inflection.createField(resource), inflection.createRowsField(resource)]),
      ...(canUpdate === false ? [] : keys.map((key) => inflection.updateByKeysField(key))),
      ...(canUpdate === false || !key ? [] : [inflection.updateRowsField(resource)]),
      ...(canDelete === false ? [] : keys.map((key) => inflection.deleteByKeysField(key))),
      ...(canDelete === false || !key ? [] : [inflection.deleteRowsField(resource)]),
      ...upsertKeys(resource).flatMap((unique) => [
        inflection.upsertField({ resource, unique }),
        inflection.upsertRowsField({ resource, unique }),
      ]),
    ]
    return [
      ...rowEnds.map((end) => inflection.tableType(resource.codec) + end),
      ...(isShown(resource) ? queries.map((field) => `Query.${field}`) : []),
      ...(key && key.attributes.length > 1 ? [inflection.rowKeyType(resource)] : []),
      ...mutations.flatMap((field) => mutationNames(field, inflection)),
    ]
  })
}

const mutationNames = (field: string, inflection: Inflection) => [
  `Mutation.${field}`,
  ...['Input', 'Payload'].map((end) => inflection.upperCamelCase(field) + end),
]

function namedType(codec: PgCodec, inflection: Inflection): Named {
  const kind = codec.attributes ? 'Type' : codec.domainOfCodec ? 'Domain' : 'Enum'
  const otherName = `${nameInDatabase(inflection, codec) ?? codec.name}${kind}`
  return named([codec], 'name', otherName, () =>
    codec.attributes
      ? rowEnds.map((end) => inflection.tableType(codec as Table['codec']) + end)
      : scalarEnds.map((end) => inflection.scalarCodecTypeName(codec as Scalar) + end),
  )
}

type Scalar = Parameters<Inflection['scalarCodecTypeName']>[0]

function namedFunction(resource: FunctionResource, inflection: Inflection): Named {
  const otherName = `${inflection.camelCase(inflection._functionName({ resource }))}Function`
  const { codec, isMutation, isUnique, parameters } = resource
  return named([resource], 'name', otherName, () => {
    if (isMutation) return mutationNames(inflection.customMutationField({ resource }), inflection)
    const row = parameters[0]?.codec
    const isComputed = row?.attributes && row.extensions?.isTableLike !== false
    const hasConnection = !isUnique && (!codec.attributes || codec.isAnonymous)
    return [
      ...(isComputed ? [] : [`Query.${inflection.customQueryField({ resource })}`]),
      ...(hasConnection ? [inflection.scalarFunctionConnectionType({ resource })] : []),
      ...(hasConnection ? [inflection.scalarFunctionEdgeType({ resource })] : []),
    ]
  })
}

/** Columns before relations, relations before functions. What is not shown needs no name. */
function namedFields(codec: Table['codec'], registry: PgRegistry, inflection: Inflection): Named[] {
  const attributes = Object.keys(codec.attributes).map((attributeName) => {
    const name = () => inflection.attribute({ codec, attributeName })
    const order = () => inflection.orderByAttributeEnum({ codec, attributeName, variant: 'asc' })
    return named([codec.attributes[attributeName]!], 'name', `${name()}Column`, () => [
      name(),
      `OrderBy.${order()}`,
    ])
  })
  const relations = Object.entries<PgCodecRelation>(registry.pgRelations[nameOf(codec)] ?? {})
    .filter(([, relation]) => isShown(relation.remoteResource))
    .toSorted(([, a], [, b]) => Number(Boolean(a.isReferencee)) - Number(Boolean(b.isReferencee)))
    .map(([relationName, relation]) => {
      const [tagName, short, long] = relationNames(relation)
      const details = { registry, codec, relationName }
      return named([relation], tagName, inflection.camelCase(inflection[long](details)), () =>
        ['', 'Exists', 'Exist'].map((end) => inflection[short](details) + end),
      )
    })
  const functions = (Object.values(registry.pgResources) as unknown as FunctionResource[])
    .filter((resource) => !resource.isMutation && (resource.parameters as unknown[] | undefined)?.length)
    .filter((resource) => resource.parameters[0]!.codec === codec && isShown(resource))
    .map((resource) => {
      const otherName = inflection.camelCase(inflection._functionName({ resource }))
      return named([resource], 'fieldName', otherName, () => [
        inflection.computedAttributeField({ resource }),
      ])
    })
  return [...attributes, ...relations, ...functions]
}

/** The tag that names a relation's field, the inflector that does, and the one that gives its full name. */
function relationNames({ isReferencee, isUnique }: PgCodecRelation) {
  if (!isReferencee) return ['fieldName', 'singleRelation', '_singleRelationRaw'] as const
  return isUnique
    ? (['foreignSingleFieldName', 'singleRelationBackwards', '_singleRelationBackwardsRaw'] as const)
    : (['foreignFieldName', '_manyRelation', '_manyRelationRaw'] as const)
}
