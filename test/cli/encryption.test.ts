import { describe, expect, test } from '@jest/globals'
import { makeCipher } from '../../src/encryption.ts'

const [first, second] = [1, 2].map((byte) => ({ id: `key${byte}`, key: Buffer.alloc(32, byte) })) as [
  { id: string; key: Buffer },
  { id: string; key: Buffer },
]
const text = 'xoxb-1 – ünïcode'

describe('a cipher', () => {
  test('gives back what it was given, in the same context', () => {
    const cipher = makeCipher([first])

    expect(cipher.decrypt(cipher.encrypt(text, 'a'), 'a')).toBe(text)
  })

  test('never encrypts the same text the same way, and shows nothing of it', () => {
    const cipher = makeCipher([first])
    const [one, other] = [cipher.encrypt(text, 'a').data, cipher.encrypt(text, 'a').data]

    expect(one.equals(other)).toBe(false)
    expect(one.includes('xoxb')).toBe(false)
  })

  test('encrypts with the first key, and decrypts with every one', () => {
    const sealed = makeCipher([first]).encrypt(text, 'a')

    expect(makeCipher([second, first]).decrypt(sealed, 'a')).toBe(text)
    expect(makeCipher([second, first]).encrypt(text, 'a').keyId).toBe('key2')
  })

  test('does not decrypt in another context, so that a row is of no use to another organization', () => {
    const cipher = makeCipher([first])

    expect(() => cipher.decrypt(cipher.encrypt(text, 'a'), 'b')).toThrow()
  })

  test('does not decrypt what is changed or cut anywhere', () => {
    const cipher = makeCipher([first])
    const { keyId, data } = cipher.encrypt(text, 'a')

    for (let index = 0; index < data.length; index++) {
      const changed = Buffer.from(data)
      changed[index]! ^= 1
      expect(() => cipher.decrypt({ keyId, data: changed }, 'a')).toThrow()
      expect(() => cipher.decrypt({ keyId, data: data.subarray(0, index) }, 'a')).toThrow()
    }
  })

  test('without the key says which one is missing', () => {
    const sealed = makeCipher([first]).encrypt(text, 'a')

    expect(() => makeCipher([second]).decrypt(sealed, 'a')).toThrow('"key1" is not among them')
    expect(() => makeCipher([]).encrypt(text, 'a')).toThrow('ENCRYPTION_KEYS is needed')
  })
})
