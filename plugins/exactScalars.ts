/** What is wrong with a value, as the end of a sentence that begins with its type; null when nothing is. */
type Rule = (value: unknown) => string | null

const text =
  (expected: string, isOne: (text: string) => boolean): Rule =>
  (value) =>
    typeof value === 'string' && isOne(value) ? null : `expects ${expected}.`

const number =
  (expected: string, isOne: (text: string) => boolean): Rule =>
  (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return 'expects a number as large as this one to be written as a text: JSON has rounded it.'
    }
    const isText = typeof value === 'string' || typeof value === 'number'
    return isText && isOne(String(value)) ? null : `expects ${expected}.`
  }

const anyText = text('a text', () => true)
const date = String.raw`\d{4,7}-(\d\d)-(\d\d)`
const time = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6}0*)?)?`
const offset = String.raw`(Z|[+-]\d\d(:?\d\d(:?\d\d)?)?)`
const endless = '-?infinity'
const pattern = (source: string) => new RegExp(`^(${source})$`, 'i')
const dates = pattern(`${date}( BC)?|${endless}`)
const moments = pattern(`${date}([T ]${time} ?${offset}?)?( BC)?|${endless}`)
const midnight = String.raw`24:00(:00(\.0+)?)?` // the end of a day; as part of a moment Postgres would rewrite it
const times = pattern(`(${time}|${midnight})${offset}?`)

/** Whether the days of a date exist; the year matters for February alone, and Postgres judges the rest. */
function isDay(written: string): boolean {
  const [, year = '', month = '', day = ''] = /^(\d+)-(\d\d)-(\d\d)/.exec(written) ?? []
  if (year === '') return true
  // Years before Christ count from 1, so that year 1 BC is a leap year.
  const isLeapYear = (count: number) => count % 4 === 0 && (count % 100 !== 0 || count % 400 === 0)
  const count = / BC$/i.test(written) ? Number(year) - 1 : Number(year)
  const days = [31, isLeapYear(count) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return Number(year) > 0 && Number(day) >= 1 && Number(day) <= (days[Number(month) - 1] ?? 0)
}

const largest = 2n ** 63n

/** What each of Graphile's scalars takes. */
export const rules: Record<string, Rule> = {
  BigInt: number('a whole number of eight bytes, as a text', (written) => {
    if (!/^-?\d{1,19}$/.test(written)) return false
    return BigInt(written) >= -largest && BigInt(written) < largest
  }),
  BigFloat: number('a number, as a text', (written) =>
    /^(-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,5})?|NaN|-?Infinity)$/i.test(written),
  ),
  Oid: (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32
      ? null
      : 'expects a whole number of four bytes.',
  UUID: text('32 hexadecimal digits, with hyphens or without', (written) =>
    /^[\da-f]{8}(-?)[\da-f]{4}\1[\da-f]{4}\1[\da-f]{4}\1[\da-f]{12}$/i.test(written),
  ),
  Date: text('a day that exists, as YYYY-MM-DD', (written) => dates.test(written) && isDay(written)),
  Datetime: text(
    'a moment that exists, as 2026-01-31T12:00:00.123456Z; six decimals at most',
    (written) => moments.test(written) && isDay(written),
  ),
  Time: text('a time of day, as 12:00:00.123456; six decimals at most', (written) => times.test(written)),
  Base64EncodedBinary: text(
    'base64, padded',
    (written) => Buffer.from(written, 'base64').toString('base64') === written,
  ),
  JSON: (value) => (isExactJson(value) ? null : 'expects numbers that JavaScript does not round.'),
  Cursor: anyText,
  XML: anyText,
  BitString: text('binary digits', (written) => /^[01]*$/.test(written)),
  JSONPath: anyText,
  InternetAddress: anyText,
  CidrAddress: anyText,
  MacAddress: anyText,
  MacAddress8: anyText,
  TSVector: anyText,
  TSQuery: anyText,
  RegProc: anyText,
  RegProcedure: anyText,
  RegOper: anyText,
  RegOperator: anyText,
  RegClass: anyText,
  RegType: anyText,
  RegRole: anyText,
  RegNamespace: anyText,
  RegConfig: anyText,
  RegDictionary: anyText,
}

/** Whether all numbers in a JSON value are the ones that were sent. */
function isExactJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isExactJson)
}
