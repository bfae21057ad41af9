import type { Random } from './random.ts'

// Numbers that JSON can write and JavaScript cannot hold.
const raw = (text: string) => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)

const texts = [
  '',
  ' ',
  'a',
  'Zoë',
  '数 🚪',
  '\u202eright to left',
  'e\u0301',
  `'; drop table people; --`,
  '"quoted" \\ and \n broken',
  '__proto__',
  '%_\\',
  '{"a":1}',
  '$1',
  'x'.repeat(101),
  'x'.repeat(20_000),
]

/** Texts that no database can keep. */
const unsound = ['a\0b', '\0', 'half \ud800', '\udc00 half']

const fitting: Record<string, readonly unknown[]> = {
  Int: [0, 1, -1, 5, 2 ** 31 - 1, -(2 ** 31)],
  Float: [0, 0.1, -1.5, 1e300, 5e-324, -0, 123456789.125],
  Boolean: [true, false],
  String: texts,
  ID: ['a', '1'],
  UUID: ['01900000-0000-7000-8000-000000000000', '01900000000070008000000000000000'],
  Cursor: ['WyJuYXR1cmFsIiwxXQ==', 'nonsense', ''],
  BigInt: ['0', '9007199254740993', '-9223372036854775808', '9223372036854775807', 5],
  BigFloat: ['0', '0.1', '123456789012345678901234567890.5', '1e10', 'NaN', 1.5],
  Date: ['2026-01-31', '2024-02-29', '0044-03-15 BC', 'infinity', '12345-06-07'],
  Datetime: [
    '2026-01-31T12:00:00.123456Z',
    '2026-01-31T12:00:00+05:30',
    '2024-02-29 00:00:00Z',
    '0044-03-15 12:00:00+00 BC',
    '-infinity',
    '2026-01-31T12:00Z',
  ],
  Time: ['12:00:00', '23:59:59.999999', '00:00', '24:00', '24:00:00', '12:00:00+05:30'],
  JSON: [null, 1, 'a', [], {}, { a: [1, { b: null }] }, JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
  XML: ['<a/>', '<a>b</a>', 'text'],
  Base64EncodedBinary: ['', 'AA==', '/w==', 'AAEC'],
  BitString: ['', '1', '101', '10101'],
  JSONPath: ['$.a', '$'],
  InternetAddress: ['10.0.0.1', '10.0.0.1/8', '::1'],
  CidrAddress: ['10.0.0.0/8', '::/0'],
  MacAddress: ['08:00:2b:01:02:03'],
  MacAddress8: ['08:00:2b:01:02:03:04:05'],
  Oid: [0, 26, 2 ** 32 - 1],
  RegClass: ['pg_class'],
  RegType: ['integer'],
}

const strange: readonly unknown[] = [
  ...texts,
  ...unsound,
  ...[null, true, 0, -1, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, [], {}, [null], { a: 1 }, [[['a']]]],
  ...[raw('9007199254740993'), raw('1e400'), raw('-1e999'), raw('123456789012345678901234567890')],
  ...['2026-02-30', '2026-13-01', '0000-00-00', '2026-02-30T25:61:61Z', '2026-01-31T12:00:00.1234567Z'],
  ...[
    'now',
    'tomorrow',
    'epoch',
    'infinity',
    '24:00:00',
    '12:00:60',
    '1',
    '0x10',
    '1_000',
    ' 1',
    '+1',
    '1e5',
  ],
  ...['Infinity', '-Infinity', 'NaN', '9223372036854775808', '99999999999999999999', '1e99999'],
  ...['{', '[1', '<a>', '====', 'AA', '2', '300.0.0.1', '10.0.0.1/99', 'no such thing', '$.'],
  JSON.parse('{"__proto__":null}'),
]

/** A value of a scalar type that is right for it. */
export const fittingValue = (random: Random, type: string): unknown => random.pick(fitting[type] ?? texts)

/** A value that is right for some other type, or for none. */
export const strangeValue = (random: Random): unknown => random.pick(strange)

/** Every value there is for a type, right and strange. */
export const valuesFor = (type: string): readonly unknown[] => [...(fitting[type] ?? []), ...strange]
