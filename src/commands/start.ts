import type { Command } from '../command.ts'
import { runServer } from '../server.ts'

export const start: Command = {
  name: 'start',
  summary: 'Starts everything in one process: Postgres if none is configured, migrations, API, worker.',
  details:
    'With --schemas it serves a database as it is: nothing is migrated and no job is run, unless asked for by\n' +
    '--migrate and --worker.',
  options: {
    migrate: { type: 'boolean', about: 'With --schemas: run the migrations of this project nevertheless.' },
    alone: {
      type: 'boolean',
      about: 'Run no programs of the demo (its door controllers) beside the server.',
    },
    worker: { type: 'boolean', about: 'With --schemas: run jobs nevertheless (installs the queue).' },
  },
  run(context) {
    const { isProject } = context.config()
    return runServer(context, {
      command: 'start',
      api: true,
      worker: isProject || context.options.worker === true,
      migrate: isProject || context.options.migrate === true,
      demo: isProject,
      companions: isProject && context.options.alone !== true,
    })
  },
}
