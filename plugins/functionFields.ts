import 'postgraphile'
import 'postgraphile/graphile-build-pg'

/** A function of the database, as a source of fields. */
export type FunctionResource = Parameters<GraphileBuild.Inflection['customMutationField']>[0]['resource']

/** The volatile function that a field of Mutation calls; undefined for a field that calls none. */
export function functionOf(build: GraphileBuild.Build, fieldName: string): FunctionResource | undefined {
  // A resource that is a mutation is a function, and has parameters; its type cannot say so.
  const functions = Object.values(build.input.pgRegistry.pgResources).filter(
    ({ isMutation, parameters }) => isMutation && parameters,
  ) as unknown as FunctionResource[]
  return functions.find((resource) => build.inflection.customMutationField({ resource }) === fieldName)
}

/** A call as a tag has it: `app_hidden.password_salt(email)`. */
export type TaggedCall = { schema: string; name: string; arguments: string[] }

/** Reads a call; throws where it is not written as one. */
export function readCall(tag: string, text: string): TaggedCall {
  const [, schema, name, given] = /^(\w+)\.(\w+)\(([\w, ]*)\)$/.exec(text) ?? []
  if (schema === undefined || name === undefined || given === undefined) {
    throw new Error(
      `The tag ${tag} is to name a function and its arguments, as in "app.salt(email)"; got "${text}".`,
    )
  }
  return { schema, name, arguments: given.split(',').flatMap((argument) => argument.trim() || []) }
}
