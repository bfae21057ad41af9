import { isDeepStrictEqual } from 'node:util'

/** Whether what was read says the same as what was written, in the terms of its scalar type. */
export function isSameValue(type: string, written: unknown, read: unknown): boolean {
  if (Array.isArray(written) && Array.isArray(read)) {
    return (
      written.length === read.length && written.every((part, index) => isSameValue(type, part, read[index]))
    )
  }
  if (written === null || read === null) return written === read
  const normal = normals[type] ?? ((value: unknown) => value)
  return isDeepStrictEqual(normal(written), normal(read))
}

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
const normals: Record<string, (value: unknown) => unknown> = {
  UUID: (value) => text(value).replaceAll('-', '').toLowerCase(),
  BigInt: (value) => BigInt(text(value)),
  BigFloat: decimal,
  Datetime: moment,
  Date: (value) => text(value).toLowerCase(),
  Time: (value) => {
    const [, minute = '', second = ':00', fraction = '', zone = ''] =
      /^(\d\d:\d\d)(:\d\d)?(?:\.(\d+))?(.*)$/.exec(text(value)) ?? []
    return `${minute}${second}.${fraction.padEnd(6, '0')}${zone.replace(/^[+]00(:00)?$/, '')}`
  },
  JSON: (value) => JSON.parse(JSON.stringify(value)) as unknown,
  InternetAddress: (value) => text(value).replace(/\/(32|128)$/, ''),
}

/** Sign, digits and exponent of a number, without what makes no difference. */
function decimal(value: unknown): string {
  const [, sign = '', whole = '', part = '', exponent = '0'] =
    /^(-?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text(value)) ?? []
  const digits = (whole + part).replace(/^0+/, '')
  if (digits === '') return /\d/.test(text(value)) ? '0' : text(value).toLowerCase()
  const kept = digits.replace(/0+$/, '')
  return `${sign}${kept}e${Number(exponent) - part.length + digits.length - kept.length}`
}

/** Microseconds since 1970, or the text where Date has no such moment. */
function moment(value: unknown): unknown {
  const [, start = '', fraction = '', offset = ''] =
    /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(Z|[+-][\d:]+)?$/i.exec(text(value)) ?? []
  const at = Date.parse(`${start.replace(' ', 'T')}${offset || 'Z'}`)
  if (Number.isNaN(at)) return text(value).toLowerCase().slice(0, 10)
  return BigInt(at) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6) || 0)
}
