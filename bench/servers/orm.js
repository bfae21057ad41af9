import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createYoga } from 'graphql-yoga'
import pg from 'pg'
import { poolOf, serveOn } from './child.ts'
import { makeLoaders, schema } from './ormGraphql.js'

// GraphQL Yoga, Pothos and Drizzle: the stack that people would write by hand. Plain JavaScript, since
// its packages are installed on demand only. Every request is a transaction that begins with the
// caller's settings, and that is undone when anything in it failed.
const db = drizzle(new pg.Pool(poolOf('AUTHENTICATOR_URL')))

class Failed extends Error {
  constructor(result) {
    super('An operation failed.')
    this.result = result
  }
}

const inCallersTransaction = {
  onExecute({ executeFn, setExecuteFn }) {
    setExecuteFn((args) =>
      db
        .transaction(async (tx) => {
          const token = args.contextValue.request.headers.get('authorization')?.replace(/^Bearer /, '')
          const tokenHash = token ? createHash('sha256').update(token).digest() : null
          await tx.execute(sql`
            select set_config(caller.setting, caller.value, true)
            from app_private.identify(${tokenHash}) as caller`)
          Object.assign(args.contextValue, { tx, loaders: makeLoaders(tx) })
          const result = await executeFn(args)
          if (result.errors) throw new Failed(result)
          return result
        })
        .catch((error) => {
          if (error instanceof Failed) return error.result
          throw error
        }),
    )
  },
}

const yoga = createYoga({
  schema,
  plugins: [inCallersTransaction],
  graphiql: false,
  landingPage: false,
  logging: false,
})
serveOn(createServer(yoga))
