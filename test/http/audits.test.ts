import { beforeAll, describe, expect, test } from '@jest/globals'
import { type AuditResult, serverAudits } from 'graphql-http'
import { useApi } from '../support/api.ts'

const { api } = useApi() // with introspection, which some of the audits use to ask for something

/** Audits of graphql-http that we do not pass, and why. */
const refused: Record<string, { status: AuditResult['status']; reason: string }> = {
  '5A70': { status: 'notice', reason: 'GET is refused: what a link can do, any page can have a browser do.' },
  D6D5: { status: 'notice', reason: 'As 5A70, with variables.' },
  '6A70': { status: 'notice', reason: 'As 5A70, with variables.' },
  '47DE': {
    status: 'warn',
    reason:
      'Who takes anything gets application/graphql-response+json, whose HTTP statuses tell right from wrong; ' +
      'the specification wants that of all since 2025.',
  },
  '80D8': { status: 'warn', reason: 'As 47DE: who says nothing takes anything.' },
}

describe('the audits of GraphQL over HTTP', () => {
  const audits = serverAudits({ url: () => `${api().url}/graphql` })
  const results = new Map<string, AuditResult>()
  beforeAll(async () => {
    for (const audit of audits) results.set(audit.id, await audit.fn())
  })

  test.each(audits.map(({ id, name }) => [id, name]))('%s: %s', (id) => {
    const { status } = results.get(id)!

    expect(status).toBe(refused[id]?.status ?? 'ok')
  })
})
