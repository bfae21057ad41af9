import type { TestApi } from './api.ts'
import type { Answer } from './ask.ts'

type TypeRef = { kind: string; name: string | null; ofType: TypeRef | null }
type Field = {
  name: string
  description: string | null
  type: TypeRef
  args: { name: string; type: TypeRef }[]
}
type Type = {
  kind: string
  name: string
  description: string | null
  fields: Field[] | null
  inputFields: Field[] | null
  enumValues: { name: string }[] | null
}

/** What an API says of itself, made easy to ask. */
export type ApiModel = {
  query: Field[]
  mutation: Field[]
  type(name: string): Type
  /** The type whose description is this; every object of the foreign schema describes itself by its name. */
  typeOf(relation: string): Type | undefined
  /** The field of Query that has the rows of a type. */
  connectionOf(type: Type): Field | undefined
  /** Everything that can be written to a type of input, as the text of a selection on what it makes. */
  writable(input: Type): string
  /** Everything that can be asked of a type without arguments, as the text of a selection. */
  selection(type: Type): string
}

/** The name at the core of a type: `Shop` of `[Shop!]!`. */
export const nameIn = (type: TypeRef): string => (type.ofType ? nameIn(type.ofType) : (type.name ?? ''))

/** Whether something is a list, possibly one that is not null. */
export const isList = ({ kind, ofType }: TypeRef): boolean => kind === 'LIST' || ofType?.kind === 'LIST'

/** How a type is written as that of a variable: `[Int!]!`. */
export function written({ kind, name, ofType }: TypeRef): string {
  if (kind === 'NON_NULL') return `${written(ofType!)}!`
  return kind === 'LIST' ? `[${written(ofType!)}]` : (name ?? '')
}

/** Reads the model of an API from its introspection. */
export async function readModel(api: TestApi): Promise<ApiModel> {
  const { data }: Answer = await api.ask(introspection)
  const types = data!.__schema.types as Type[]
  const byName = new Map(types.map((type) => [type.name, type]))
  const type = (name: string) => byName.get(name)!
  const query = type('Query').fields!
  const isRow = ({ name }: Type) => byName.has(`${name}Connection`)
  const isOptional = (field: Field) => field.args.every((arg) => arg.type.kind !== 'NON_NULL')

  const inside = (field: Field): string => {
    const returned = type(nameIn(field.type))
    if (returned.kind !== 'OBJECT') return field.name
    if (returned.name.endsWith('Connection')) return `${field.name}(first: 2) { nodes { __typename } }`
    return `${field.name} { ${isRow(returned) ? '__typename' : selection(returned)} }`
  }
  const selection = (of: Type): string => (of.fields ?? []).filter(isOptional).map(inside).join(' ')

  const writable = ({ inputFields }: Type): string =>
    inputFields!
      .map((field) => {
        const passed = type(nameIn(field.type))
        return passed.kind === 'INPUT_OBJECT' ? `${field.name} { ${writable(passed)} }` : field.name
      })
      .join(' ')

  return {
    query,
    mutation: byName.get('Mutation')?.fields ?? [],
    type,
    typeOf: (relation) =>
      types.find(({ kind, description }) => kind === 'OBJECT' && description === relation),
    connectionOf: (of) =>
      query.find(
        (field) =>
          nameIn(field.type) === `${of.name}Connection` && field.args.some(({ name }) => name === 'orderBy'),
      ),
    writable,
    selection,
  }
}

const typeRef =
  '{ kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }'
const introspection = `{
  __schema {
    types {
      kind name description
      fields { name description type ${typeRef} args { name type ${typeRef} } }
      inputFields { name description type ${typeRef} }
      enumValues { name }
    }
  }
}`
