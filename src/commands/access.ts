import { accessText } from '../accessDocument.ts'
import type { Command } from '../command.ts'
import { type Matrix, measureMatrix } from '../database/access/matrix.ts'
import { type Oracle, readOracle } from '../database/access/oracle.ts'
import { type Player, setStage } from '../database/access/stage.ts'
import { withConnection } from '../database/connection.ts'
import { type MigratedThrowaway, withMigratedThrowaway } from '../database/migratedThrowaway.ts'
import { placeholdersOf } from '../database/migrations.ts'
import type { Progress } from '../progress.ts'

/** Tries in a database what everybody may do there. Nothing stays. */
export async function tryAccess(
  made: MigratedThrowaway,
  oracle: Oracle,
): Promise<{ matrix: Matrix; players: readonly Player[] }> {
  return withConnection(made.superuserUrl, async (client) => {
    const stage = await setStage(client, oracle, placeholdersOf(made.config, made))
    return { matrix: await measureMatrix(stage), players: stage.players }
  })
}

/** Says where what everybody may do is not what is meant to be. Returns the exit code. */
export function reportDifferences(progress: Progress, differences: readonly string[]): number {
  for (const difference of differences) progress.line(difference)
  return differences.length === 0 ? 0 : 1
}

export const access: Command = {
  name: 'access',
  summary:
    'Tries what everybody may do with every relation and function, and compares with what is meant to be.',
  details:
    'In a Postgres of its own, made from the committed and the current migrations. migrations/access has the rows, who ' +
    'tries, and what is meant; docs/access.md shows what was found. Exits with 1 when the two differ.',
  options: {
    check: { type: 'boolean', about: 'Print the differences alone.' },
  },
  async run({ progress, options, print }) {
    const oracle = readOracle()
    const { matrix, players } = await progress.step('Access', () =>
      withMigratedThrowaway((made) => tryAccess(made, oracle)),
    )
    if (options.check !== true) print(accessText(matrix, players))
    return reportDifferences(progress, matrix.differences)
  },
}
