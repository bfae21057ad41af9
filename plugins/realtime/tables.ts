import 'postgraphile'
import type { PgCodecWithAttributes, PgResource } from 'postgraphile/@dataplan/pg'
import 'postgraphile/graphile-build-pg'
import type { GraphQLOutputType } from 'postgraphile/graphql'

/** A table whose changes may be subscribed to. */
export type Table = PgResource<string, PgCodecWithAttributes>
export type Build = GraphileBuild.Build

/** The tables that have a subscription. */
export function realtimeTables(build: Build): Table[] {
  const resources = Object.values(build.input.pgRegistry.pgResources) as PgResource[]
  return resources.filter((resource): resource is Table => {
    const { tags, pg } = resource.codec.extensions ?? {}
    const isTagged = tags?.realtime !== undefined && tags.realtime !== 'false'
    const isTable = !resource.parameters && !resource.isVirtual && resource.codec.attributes !== undefined
    if (!isTagged || !isTable || !build.behavior.pgResourceMatches(resource, 'resource:select')) return false
    if (!tags.realtimeRecorded) {
      const name = `${pg?.schemaName}.${pg?.name}`
      throw new Error(
        `${name} is tagged realtime, but nothing records its changes. In a project: plinth db migrate; ` +
          `elsewhere: plinth realtime install ${name}.`,
      )
    }
    return keyOf(resource as Table).length > 0
  })
}

/** The columns by which the API finds a row: the one called id, or the primary key. */
export function keyOf({ uniques }: Table): readonly string[] {
  const byId = uniques.find(({ attributes }) => attributes.length === 1 && attributes[0] === 'id')
  return (byId ?? uniques.find(({ isPrimary }) => isPrimary))?.attributes ?? []
}

const freeNames = new WeakMap<object, Map<string, string>>()

/** The name of a type of ours, or a longer one where a table has that: `DoorChange` of `door_changes`. */
export function freeName(build: Build, name: string): string {
  let names = freeNames.get(build.input)
  if (!names) freeNames.set(build.input, (names = new Map<string, string>()))
  let free = names.get(name)
  if (free === undefined) {
    // Asked first before ours are made, when there are only those of the schema.
    for (free = name; build.getTypeMetaByName(free);) free += 'Event'
    names.set(name, free)
  }
  return free
}

/** The type of a name, never null. */
export const required = (build: Build, name: string): GraphQLOutputType =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it takes the type for a list
  new build.graphql.GraphQLNonNull(build.getOutputTypeByName(name))
