import 'postgraphile'
import { type ObjectStep, sideEffect } from 'postgraphile/grafast'
import 'postgraphile/graphile-build-pg'
import { errorRegistry } from '../src/errorRegistry.ts'
import { AppError } from '../src/errors.ts'

/**
 * An update that finds no row says so, like a delete does: as stock, it answers with a row that is null,
 * which a client that asks for nothing of it cannot tell from success.
 */
export const NotFoundPlugin: GraphileConfig.Plugin = {
  name: 'NotFoundPlugin',
  version: '1.0.0',
  description: 'Makes an update that finds nothing an error.',

  schema: {
    hooks: {
      GraphQLObjectType_fields_field(field, _build, { scope }) {
        const { plan } = field
        if (!scope.isPgUpdateMutation || !plan) return field
        return {
          ...field,
          plan($root, args, info) {
            const $payload = plan($root, args, info) as ObjectStep
            sideEffect($payload.get('result'), (row) => {
              if (row === null) throw new AppError('NOT_FOUND', errorRegistry.NOT_FOUND.message)
            })
            return $payload
          },
        }
      },
    },
  },
}
