import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'postgraphile/graphql'

/** Every field at the top of an operation, also where it is in a fragment or may be skipped. */
export function rootFields(
  { selectionSet }: OperationDefinitionNode,
  { definitions }: DocumentNode,
): FieldNode[] {
  const followed = new Set<string>()
  const fieldsIn = ({ selections }: SelectionSetNode): FieldNode[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value === '__typename' ? [] : [selection]
      if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsIn(selection.selectionSet)
      const { value } = selection.name
      if (followed.has(value)) return []
      followed.add(value)
      return definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === value
          ? fieldsIn(definition.selectionSet)
          : [],
      )
    })
  return fieldsIn(selectionSet)
}

/** What a field is called in the answer. Of the same key there may be several, which are one field. */
export const responseKey = ({ alias, name }: FieldNode): string => (alias ?? name).value
