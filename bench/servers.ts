import { type Child, startChild } from './childProcess.ts'
import type { ShopDatabase } from './shopDatabase.ts'

/** A server of the comparison, by the name of its file in servers/. */
export type Contender = { file: string; about: string; isGraphql: boolean }

/** All there are; Plinth, whose figures the others' are held against, first. */
export const contenders = {
  plinth: { file: 'plinth.ts', about: 'Plinth', isGraphql: true },
  handwritten: {
    file: 'handwritten.ts',
    about: 'Express and `pg` by hand, same role, settings and policies',
    isGraphql: false,
  },
  postgraphile: { file: 'postgraphile.ts', about: 'stock PostGraphile on Express', isGraphql: true },
  orm: { file: 'orm.js', about: 'GraphQL Yoga, Pothos and Drizzle', isGraphql: true },
  floor: { file: 'floor.ts', about: 'Express and `pg` by hand, no security', isGraphql: false },
} satisfies Record<string, Contender>

export type ContenderName = keyof typeof contenders

/** A server that runs. */
export type RunningServer = Contender & {
  name: ContenderName
  url: string
  pid: number
  close(): Promise<void>
}

/** Starts a server on the shop; it has answered for its port, and not yet any request. */
export async function startServer(name: ContenderName, shop: ShopDatabase): Promise<RunningServer> {
  const contender = contenders[name]
  const child = startChild(`servers/${contender.file}`, {
    OWNER_URL: shop.ownerUrl,
    AUTHENTICATOR_URL: shop.authenticatorUrl,
    FLOOR_URL: shop.floorUrl,
  })
  try {
    return { ...contender, name, pid: child.pid, url: await urlOf(child), close: child.close }
  } catch (error) {
    await child.close()
    throw error
  }
}

/** Where a program that serves says it does. */
export async function urlOf(child: Child): Promise<string> {
  const { port } = (await child.heard()) as { port: number }
  return `http://127.0.0.1:${port}`
}
