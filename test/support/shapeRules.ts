import { type ApiModel, nameIn, written } from './foreignApi.ts'

const pageArguments = ['first', 'last', 'offset', 'before', 'after', 'orderBy']

/** What docs/api.md promises of every API, and this one does not keep: one line for each breach. */
export function brokenShapeRules(model: ApiModel): string[] {
  return [...brokenByTables(model), ...brokenByMutations(model)]
}

function* brokenByTables(model: ApiModel): Generator<string> {
  for (const field of model.query) {
    if (!field.args.some(({ name }) => name === 'orderBy')) continue
    const names = field.args.map(({ name }) => name)
    const missing = pageArguments.filter((name) => !names.includes(name))
    if (missing.length > 0) yield `${field.name} has no argument ${missing.join(', ')}`

    const typeName = nameIn(field.type)
    if (typeName.endsWith('Connection')) {
      yield* brokenByConnection(model, typeName)
      yield* brokenByOrders(model, typeName, nameIn(field.args.find(({ name }) => name === 'orderBy')!.type))
    } else yield `${field.name} is no connection but ${typeName}`
  }
}

function* brokenByConnection(model: ApiModel, typeName: string): Generator<string> {
  const fields = model.type(typeName).fields!
  const row = nameIn(fields.find(({ name }) => name === 'nodes')!.type)
  const promised = {
    nodes: `[${row}!]!`,
    edges: `[${nameIn(fields.find(({ name }) => name === 'edges')!.type)}!]!`,
    pageInfo: 'PageInfo!',
    totalCount: 'Int!',
  }
  for (const [name, type] of Object.entries(promised)) {
    const found = fields.find((field) => field.name === name)
    if (!found || written(found.type) !== type) yield `${typeName}.${name} is not ${type}`
  }
}

function* brokenByOrders(model: ApiModel, typeName: string, enumName: string): Generator<string> {
  const values = model.type(enumName).enumValues!.map(({ name }) => name)
  for (const value of values) {
    const [, column, direction] = /^(.*)_(ASC|DESC)$/.exec(value) ?? []
    const other = `${column}_${direction === 'ASC' ? 'DESC' : 'ASC'}`
    if (value !== 'NATURAL' && !values.includes(other)) yield `${enumName}.${value} is there without ${other}`
  }

  const row = model.type(nameIn(model.type(typeName).fields!.find(({ name }) => name === 'nodes')!.type))
  for (const field of row.fields ?? []) {
    const belongsTo = model.type(nameIn(field.type))
    const list = field.args.length === 0 && model.connectionOf(belongsTo)
    const orders = list && nameIn(list.args.find(({ name }) => name === 'orderBy')!.type)
    // A computed column returns a row too, and is not ordered by; a relation has a column of its own.
    if (!orders || !isRelation(values, field.name)) continue
    const columns = belongsTo.fields!.filter(({ args, type }) => args.length === 0 && isScalar(model, type))
    const isFound = columns.some(({ name }) =>
      values.includes(`${constant(field.name)}_${constant(name)}_ASC`),
    )
    if (!isFound) yield `${enumName} has no order by a column of ${field.name}`
  }
}

function* brokenByMutations(model: ApiModel): Generator<string> {
  for (const { name, args, type } of model.mutation) {
    const input = args.length === 1 && args[0]!.name === 'input' ? written(args[0]!.type) : null
    if (input === null) yield `${name} has other arguments than input`
    else if (!/Input!$/.test(input)) yield `${name}(input:) is ${input}`
    if (!nameIn(type).endsWith('Payload')) yield `${name} returns ${written(type)}`
  }
}

type TypeRef = Parameters<typeof written>[0]
const isScalar = (model: ApiModel, type: TypeRef) => model.type(nameIn(type)).kind === 'SCALAR'
const constant = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
const isRelation = (values: string[], field: string) =>
  values.some((value) => value.startsWith(`${constant(field)}_`))
