import { hash } from '@node-rs/argon2'
import 'postgraphile'
import type { WithPgClient } from 'postgraphile/@dataplan/pg'
import { context, type FieldArgs, lambda, object, type Step } from 'postgraphile/grafast'
import 'postgraphile/graphile-build-pg'
import { AppError } from '../src/errors.ts'
import type { JudgePassword } from '../src/passwords/judge.ts'
import { makeTurns } from '../src/turns.ts'
import type { InputCheck } from './AttemptsPlugin.ts'
import { functionOf, readCall } from './functionFields.ts'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the way to extend Graphile's types
  namespace GraphileBuild {
    interface SchemaOptions {
      /** Says what speaks against a new password. */
      judgePassword?: JudgePassword
    }
  }
}

/**
 * Passwords are hashed here, so that SQL functions, and with them logs and backups of the database,
 * never meet one. Two tags on a volatile function say which argument arrives as a hash:
 *
 * - `newPassword: "password"`: hashed with a salt of its own, to be stored; refused where it is easy to guess,
 *   the other arguments of the function being what would be guessed first;
 * - `password: "password"` with `passwordSalt: "app_hidden.password_salt(email)"`: hashed as the stored
 *   one was, to be compared. The SQL function named gives parameters and salt for another argument.
 */
export const PasswordPlugin: GraphileConfig.Plugin = {
  name: 'PasswordPlugin',
  version: '1.0.0',
  description: 'Hashes the arguments of functions that are tagged as passwords.',

  schema: {
    hooks: {
      GraphQLObjectType_fields_field(field, build, { scope }) {
        const resource = scope.isRootMutation ? functionOf(build, scope.fieldName) : undefined
        const tags = resource?.extensions?.tags
        const argument = tags?.newPassword ?? tags?.password
        const parameters = resource?.parameters
        if (!parameters || typeof argument !== 'string') return field

        const { argDetails, makeArgs } = build.pgGetArgDetailsFromParameters(resource, parameters)
        const fieldOf = (name: string) =>
          argDetails.find(({ postgresArgName }) => postgresArgName === name)?.graphqlArgName ?? name
        const others = argDetails.flatMap(({ graphqlArgName, postgresArgName }) =>
          postgresArgName === argument ? [] : [graphqlArgName],
        )
        const check = judgeNew(argument, build.options.judgePassword)
        const toHash =
          tags?.newPassword === undefined
            ? verifierFor(String(tags?.passwordSalt), argument)
            : hasherFor(check, argument, others)
        const position = parameters.findIndex(({ name }) => name === argument)
        const { codec } = parameters[position]!

        const checkInput: InputCheck = (input, context) =>
          check(
            String(input[fieldOf(argument)]),
            others.map((name) => input[name]),
            context,
          )

        return {
          ...field,
          extensions: { ...field.extensions, ...(tags?.newPassword !== undefined && { checkInput }) },
          plan(_$root, args: FieldArgs) {
            const $hash = toHash((name) => args.getRaw(['input', fieldOf(name)]) as Step<string>)
            const values = makeArgs(args, ['input']).map((value, index) =>
              index === position ? { name: argument, pgCodec: codec, step: $hash } : value,
            )
            return object({ result: resource.execute(values, 'mutation') as Step })
          },
        }
      },
    },
  },
}

type InputSteps = (argument: string) => Step<string>

// What OWASP recommends for Argon2id: 19 MiB, two passes. Each hash in progress takes that much memory and
// one of libuv's four threads, so half of those stay free for everything else.
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
// Those that wait hold nothing, but who waits for long has given up by then.
const inTurn = makeTurns({ atOnce: 2, waiting: 40 }, 'passwords are being checked')

const length = { least: 10, most: 200 }

/** Throws where something speaks against a new password. What was judged in a request is not judged again. */
type Check = (password: string, others: readonly unknown[], context: object) => Promise<void>

function judgeNew(argument: string, judge: JudgePassword | undefined): Check {
  const judged = new WeakMap<object, string>()
  return async (password, others, context) => {
    if (judged.get(context) === password) return
    if (password.length < length.least || password.length > length.most) {
      throw new AppError('BAD_USER_INPUT', `A password has ${length.least} to ${length.most} characters.`, {
        argument,
      })
    }
    const personal = others.filter((value) => typeof value === 'string')
    const objection = await judge?.(password, personal)
    if (objection) {
      throw new AppError('BAD_USER_INPUT', objection.message, { argument, hint: objection.hint })
    }
    judged.set(context, password)
  }
}

/** Hashes a new password, once nothing speaks against it. */
function hasherFor(
  check: Check,
  argument: string,
  others: readonly string[],
): ($input: InputSteps) => Step<string> {
  return ($input) => {
    const $given = object({
      password: $input(argument),
      others: object(Object.fromEntries(others.map((name) => [name, $input(name)]))),
      context: context(),
    })
    return lambda($given, async ({ password, others: values, context }) => {
      await check(password, Object.values(values), context)
      return inTurn(() => hash(password, cost))
    })
  }
}

function hashLike(stored: string, password: string): Promise<string> {
  const [, memoryCost, timeCost, parallelism, salt] =
    /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)$/.exec(stored) ?? []
  if (salt === undefined) throw new Error('The salt function did not answer in PHC form.')
  return inTurn(() =>
    hash(password, {
      memoryCost: Number(memoryCost),
      timeCost: Number(timeCost),
      parallelism: Number(parallelism),
      salt: Buffer.from(salt, 'base64'),
    }),
  )
}

function verifierFor(tag: string, argument: string): ($input: InputSteps) => Step<string> {
  const {
    schema,
    name,
    arguments: [key],
  } = readCall('passwordSalt', tag)
  if (key === undefined) throw new Error(`The tag passwordSalt is to name an argument; got "${tag}".`)
  const text = `select "${schema}"."${name}"($1) as salt`

  return ($input) => {
    const $asked = object({
      password: $input(argument),
      key: $input(key),
      withPgClient: context().get('withPgClient'),
      pgSettings: context().get('pgSettings'),
    })
    return lambda($asked, async ({ password, key, withPgClient, pgSettings }) => {
      if (password.length > length.most) {
        throw new AppError('BAD_USER_INPUT', `A password has at most ${length.most} characters.`, {
          argument,
        })
      }
      const { rows } = await (withPgClient as WithPgClient)(pgSettings ?? null, (client) =>
        client.query<{ salt: string }>({ name: text, text, values: [key] }),
      )
      return hashLike(rows[0]!.salt, password)
    })
  }
}
