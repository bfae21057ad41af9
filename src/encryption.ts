import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Fault } from './fault.ts'

/** A key by its name, which is kept beside what it has encrypted. */
export type EncryptionKey = Readonly<{ id: string; key: Buffer }>

/** What was encrypted: with which key, and the bytes, a nonce and a tag before them. */
export type Sealed = { keyId: string; data: Buffer }

/** Turns a text into bytes that nobody reads without the key. */
export type Encrypt = (text: string, context: string) => Sealed

/** Encrypts secrets to be kept in the database, whose backups must not tell them. */
export type Cipher = {
  /** With the first key. What comes out can only be decrypted in the same context, such as the id of its owner. */
  encrypt: Encrypt
  /** Throws when the key is not among ours, or when bytes or context have been changed. */
  decrypt(sealed: Sealed, context: string): string
  /** The name of the key that encrypts; null when there is none. */
  keyId: string | null
}

const [nonceBytes, tagBytes] = [12, 16]

/** Encrypts with the first of some keys, and decrypts with all of them: AES-256-GCM, a random nonce each time. */
export function makeCipher(keys: readonly EncryptionKey[]): Cipher {
  const [first] = keys
  return {
    keyId: first?.id ?? null,
    encrypt(text, context) {
      if (!first) throw missing('there is none')
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return { keyId: first.id, data: Buffer.concat([nonce, cipher.getAuthTag(), body]) }
    },
    decrypt({ keyId, data }, context) {
      const key = keys.find(({ id }) => id === keyId)?.key
      if (!key) throw missing(`"${keyId}" is not among them`)
      const nonce = data.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
        .setAAD(Buffer.from(context))
        .setAuthTag(data.subarray(nonceBytes, nonceBytes + tagBytes))
      return decipher.update(data.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}

const missing = (what: string) => new Fault(`A key of ENCRYPTION_KEYS is needed, and ${what}.`)

const encryptionKey = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,29}:[A-Za-z0-9+/]{43}=$/)
  .transform((text): EncryptionKey => {
    const [id = '', key = ''] = text.split(':')
    return { id, key: Buffer.from(key, 'base64') }
  })

/** The setting ENCRYPTION_KEYS: `<id>:<32 bytes in base64>`, the one to encrypt with first. */
export const encryptionKeys = z
  .string()
  .transform((text) => text.split(/\s*,\s*/))
  .pipe(z.array(encryptionKey))
  .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length)
  .default([])
