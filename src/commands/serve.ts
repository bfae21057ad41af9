import type { Command } from '../command.ts'
import { runServer } from '../server.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'Serves the API alone: no migrations, no jobs.',
  details: 'For a deployment, where `plinth db migrate` runs once per release and `plinth work` beside this.',
  run: (context) =>
    runServer(context, {
      command: 'serve',
      api: true,
      worker: false,
      migrate: false,
      demo: false,
      companions: false,
    }),
}
