import type { Command } from '../command.ts'
import { runServer } from '../server.ts'

export const work: Command = {
  name: 'work',
  summary: 'Runs the queued jobs and those of the clock, without an API.',
  run: (context) =>
    runServer(context, {
      command: 'work',
      api: false,
      worker: true,
      migrate: false,
      demo: false,
      companions: false,
    }),
}
