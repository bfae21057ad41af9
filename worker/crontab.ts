import { parseCronItems } from 'graphile-worker'

/** What happens by the clock. Times are UTC; a run missed while no worker was up is not made up for. */
export const cronItems = parseCronItems([
  { task: 'session__purge_expired', match: '10 3 * * *', identifier: 'session__purge_expired' },
  { task: 'organization__delete_due', match: '20 3 * * *', identifier: 'organization__delete_due' },
  { task: 'invitation__purge', match: '30 3 * * *', identifier: 'invitation__purge' },
])
