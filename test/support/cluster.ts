import { withDatabase } from '../../src/database/connection.ts'

/** The Postgres that a test run uses, and the migrated database in it that tests clone. */
export type Cluster = { superuserUrl: string; template: string }

/** Names of the roles in the test cluster; passwords are the names. */
export const clusterRoles = { owner: 'plinth_owner', authenticator: 'plinth_authenticator' }

const variable = 'PLINTH_TEST_CLUSTER'

/** Hands the cluster from the global setup to the processes that run tests. */
export function publishCluster(cluster: Cluster): void {
  process.env[variable] = JSON.stringify(cluster)
}

/** The cluster of this test run. */
export function cluster(): Cluster {
  return JSON.parse(process.env[variable] ?? '{}') as Cluster
}

/** Address of a database of the cluster for a role. */
export function urlAs(superuserUrl: string, role: string, database: string): string {
  const url = new URL(withDatabase(superuserUrl, database))
  url.username = role
  url.password = role
  return url.toString()
}
