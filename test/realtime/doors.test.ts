import { beforeAll, expect, test } from '@jest/globals'
import { withConnection } from '../../src/database/connection.ts'
import { useApi } from '../support/api.ts'
import { subscribeTo } from '../support/subscriber.ts'

const { api, database } = useApi()
test('x', async () => {
  const s = subscribeTo(api().url, 'subscription { doorChanged { event cursor id door { name } } }')
  await s.until(1)
  console.log(s.events, s.errors)
  await s.stop()
})
