import { parseCronItems } from 'graphile-worker'

/** What happens by the clock. Times are UTC; a run missed while no worker was up is not made up for. */
export const cronItems = parseCronItems([
  { task: 'device__check', match: '* * * * *', identifier: 'device__check' },
  { task: 'retention__purge', match: '10 3 * * *', identifier: 'retention__purge' },
  { task: 'door_decisions__partition', match: '0 3 * * *', identifier: 'door_decisions__partition' },
  { task: 'organization__delete_due', match: '20 3 * * *', identifier: 'organization__delete_due' },
  { task: 'slack_token__encrypt_anew', match: '30 3 * * *', identifier: 'slack_token__encrypt_anew' },
])
