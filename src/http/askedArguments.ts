import {
  type DocumentNode,
  type FieldNode,
  getNamedType,
  getNullableType,
  getOperationAST,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'postgraphile/graphql'

/** An operation as a client asked for it, and the schema it was asked of. */
export type Asked = {
  schema: GraphQLSchema
  document: DocumentNode
  operationName?: string | null | undefined
  variableValues?: Readonly<Record<string, unknown>> | null | undefined
}

/** A way to a value from the field whose argument it is in: `['input', 'office', 'name']`. */
export type ArgumentPath = (string | number)[]

/** A value in an argument, and the type of input object that it stands in. */
export type AskedValue = { path: ArgumentPath; value: unknown; inType: string | null }

/** An input object in an argument, and the names of the fields that its type has. */
export type AskedObject = { path: ArgumentPath; type: string; fields: string[] }

/** What was asked of a field: the values without parts of their own, and the input objects around them. */
export type AskedArguments = {
  field: GraphQLField<unknown, unknown>
  values: AskedValue[]
  objects: AskedObject[]
}

/** What was asked of the field that an error's path leads to, and of those above it, innermost first. */
export function askedAlong(asked: Asked, path: readonly (string | number)[]): AskedArguments[] {
  const operation = getOperationAST(asked.document, asked.operationName)
  let selections = operation?.selectionSet
  let type = operation && asked.schema.getRootType(operation.operation)
  const found: AskedArguments[] = []
  for (const key of path) {
    if (typeof key === 'number') continue
    const node = selections && fieldIn(selections, key, asked.document)
    const field = node && type?.getFields()[node.name.value]
    if (!node || !field) break
    found.unshift(readArguments(node, field, asked.variableValues ?? {}))
    const next = getNamedType(field.type)
    type = isObjectType(next) ? next : undefined
    selections = node.selectionSet
  }
  return found
}

function fieldIn(
  { selections }: SelectionSetNode,
  key: string,
  document: DocumentNode,
): FieldNode | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      if ((selection.alias ?? selection.name).value === key) return selection
      continue
    }
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection
        : document.definitions.find(
            (definition) =>
              definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
          )
    const found = inner && 'selectionSet' in inner && inner.selectionSet
    const field = found && fieldIn(found, key, document)
    if (field) return field
  }
  return undefined
}

function readArguments(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  variables: Readonly<Record<string, unknown>>,
): AskedArguments {
  const found: AskedArguments = { field, values: [], objects: [] }
  for (const { name, value } of node.arguments ?? []) {
    const type = field.args.find((arg) => arg.name === name.value)?.type
    if (type) collect(found, valueOf(value, variables), type, [name.value], null)
  }
  return found
}

const valueOf = (node: ValueNode, variables: Readonly<Record<string, unknown>>): unknown =>
  valueFromASTUntyped(node, variables)

function collect(
  found: AskedArguments,
  value: unknown,
  wrapped: GraphQLInputType,
  path: ArgumentPath,
  inType: string | null,
): void {
  const type = getNullableType(wrapped)
  if (isListType(type) && Array.isArray(value)) {
    value.forEach((item, index) => collect(found, item, type.ofType, [...path, index], inType))
    return
  }
  const named = getNamedType(type)
  if (!isInputObjectType(named) || typeof value !== 'object' || value === null) {
    found.values.push({ path, value, inType })
    return
  }
  const fields = named.getFields()
  found.objects.push({ path, type: named.name, fields: Object.keys(fields) })
  for (const [name, item] of Object.entries(value)) {
    const field = fields[name]
    if (field) collect(found, item, field.type, [...path, name], named.name)
  }
}
