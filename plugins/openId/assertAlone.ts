import { operationPlan } from 'postgraphile/grafast'
import { Kind } from 'postgraphile/graphql'
import { AppError } from '../../src/errors.ts'

/**
 * Throws unless the field that is being planned is all its operation does. It waits for somebody else's
 * server, and cannot be undone: it is no part of a transaction.
 */
export function assertAlone(field: string): void {
  const { selections } = operationPlan().operation.selectionSet
  const others = selections.filter(
    (selection) => selection.kind !== Kind.FIELD || selection.name.value !== '__typename',
  )
  if (others.length > 1 || others[0]?.kind !== Kind.FIELD) {
    throw new AppError('GRAPHQL_VALIDATION_FAILED', `${field} must be the only field of its operation.`)
  }
}
