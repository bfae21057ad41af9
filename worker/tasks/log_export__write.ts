import { stringify } from 'csv-stringify/sync'
import type { Task } from 'graphile-worker'
import { z } from 'zod'
import type { TaskServices } from './index.ts'

const payloadShape = z.object({ id: z.uuid() })

const rowsPerPart = 1000

/** The columns of the file, as `app_private.log_export_rows` names them. */
const columns = [
  'decided_at',
  'local_time',
  'time_zone',
  'office',
  'door',
  'person',
  'decision',
  'rule',
  'reason',
  'decision_id',
  'door_id',
  'person_id',
  'guest',
  'pass_id',
] as const
type Row = Record<(typeof columns)[number], string | null>

/**
 * Writes an export of the decision log, a part at a time, each by one statement: whoever runs it after a crash, or at
 * the same time, goes on behind the parts that are there.
 */
export const log_export__write =
  ({ log }: TaskServices): Task =>
  async (payload, { job, query, abortSignal }) => {
    const { id } = payloadShape.parse(payload)
    const nextPart = async () => {
      const { rows } = await query<{ number: number | null }>(
        'select app_private.next_log_export_part($1) as number',
        [id],
      )
      return rows[0]?.number ?? null
    }

    try {
      for (let number = await nextPart(); number !== null; number = await nextPart()) {
        abortSignal.throwIfAborted()
        const { rows } = await query<Row>('select * from app_private.log_export_rows($1, $2, $3)', [
          id,
          number,
          rowsPerPart,
        ])
        const last = rows.at(-1)
        await query('select app_private.add_log_export_part($1, $2, $3, $4, $5, $6, $7)', [
          id,
          number,
          toCsv(rows, number === 1),
          rows.length,
          last?.decided_at, // as text, since a Date would lose its microseconds
          last?.decision_id,
          rows.length < rowsPerPart,
        ])
      }
    } catch (error) {
      if (job.attempts >= job.max_attempts) {
        await query(
          `update app_public.log_exports
           set state = 'failed', error = 'It could not be written. Ask for another one.', finished_at = now()
           where id = $1 and state in ('pending', 'writing')`,
          [id],
        )
      }
      throw error
    }
    log.debug({ id }, 'the export is written, or is no longer wanted')
  }

/** RFC 4180, in UTF-8 that spreadsheets recognize, and with nothing in it that they would take for a formula. */
const toCsv = (rows: readonly Row[], isFirst: boolean): string =>
  stringify([...rows], {
    columns: [...columns],
    header: isFirst,
    bom: isFirst,
    record_delimiter: 'windows',
    quote_record_delimiter: true,
    escape_formulas: true,
    cast: { string: (text) => text.replace(behindSemicolon, `$&'`) },
  })

/** Where a semicolon parts cells, as in much of Europe, a formula may begin behind one. */
const behindSemicolon = /[;\t](?=\s*[=+@-])/g
