import { compile } from 'proxy-addr'
import { z } from 'zod'

/** One setting: how its text is read, and the words for people. */
export type Setting<T> = {
  /** Turns the text of the setting into its value; undefined when it is absent. */
  schema: z.ZodType<T, string | undefined>
  /** What a right value looks like, as the end of the sentence "expected …". */
  expected: string
  /** What it does; shown by `--help` and in .env.example. */
  about: string
  /** Whether the value must never be printed. */
  isSecret?: boolean
  /** Whether its value has parts, each of which can be wrong: then each fault is told with its place. */
  hasParts?: boolean
}

/** A setting whose value has the type that its schema gives. */
export const setting = <T>(definition: Setting<T>): Setting<T> => definition

const isPostgresUrl = (text: string) => /^postgres(ql)?:\/\/./.test(text) && URL.canParse(text)

/** A whole number within bounds; unset: the one given last. */
export const integer = (least: number, most: number, otherwise: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.number().min(least).max(most))
    .default(otherwise)

/** Where a database is, or nothing. */
export const postgresUrl = z.string().refine(isPostgresUrl).optional()

/** The name of a role of Postgres, or nothing. */
export const role = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/)
  .optional()

/** Whether a text is an http(s) address. */
export const isHttpUrl = (text: string) => /^https?:\/\/./.test(text) && URL.canParse(text)

/** An http(s) address, or nothing. */
export const httpUrl = z.string().refine(isHttpUrl).optional()

/** Origins of websites, separated by commas; `*` stands for all. */
export const origins = z
  .string()
  .transform((text) => text.split(/\s*,\s*/))
  .refine((list) => list.every((origin) => origin === '*' || isOrigin(origin)))
  .default([])
const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text

/** Addresses, subnets and names of ranges, separated by commas. */
export const proxies = z
  .string()
  .transform((text) => text.split(/\s*,\s*/))
  .refine(isReadable)
  .default([])
function isReadable(list: string[]): boolean {
  try {
    compile(list)
    return true
  } catch {
    return false
  }
}
