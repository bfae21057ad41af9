import 'postgraphile'
import { getOperationAST, GraphQLError, OperationTypeNode } from 'postgraphile/graphql'
import { responseKey, rootFields } from './rootFields.ts'

/**
 * A field of Mutation with the extension `standsAlone` has to be the only one of its operation; the extension says
 * why. What is at the top of the operation is looked at as it is written, before it is planned: a field that `@skip`
 * takes out counts as well.
 */
export const StandsAlonePlugin: GraphileConfig.Plugin = {
  name: 'StandsAlonePlugin',
  version: '1.0.0',
  description: 'Refuses operations in which something stands beside a field that has to stand alone.',

  grafast: {
    middleware: {
      execute(next, { args: { document, operationName, schema } }) {
        const operation = getOperationAST(document, operationName)
        if (operation?.operation !== OperationTypeNode.MUTATION) return next()
        const types = schema.getMutationType()?.getFields() ?? {}
        const whyAlone = (name: string) => types[name]?.extensions.standsAlone as string | undefined
        const fields = rootFields(operation, document)
        const node = fields.find(({ name }) => whyAlone(name.value) !== undefined)
        if (!node || new Set(fields.map(responseKey)).size === 1) return next()
        const name = node.name.value
        const message = `"${name}" has to be the only field of its operation: ${whyAlone(name)}.`
        return {
          errors: [
            new GraphQLError(message, { nodes: node, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
          ],
        }
      },
    },
  },
}
