import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection'
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { BulkMutationsPlugin } from './BulkMutationsPlugin.ts'
import { DistinctNamesPlugin } from './DistinctNamesPlugin.ts'
import { NamingPlugin } from './NamingPlugin.ts'
import { PasswordPlugin } from './PasswordPlugin.ts'
import { UpsertPlugin } from './UpsertPlugin.ts'
import { WholeDatabasePlugin } from './WholeDatabasePlugin.ts'

/** How a schema becomes an API, in the order in which it happens. Knows neither settings nor HTTP. */
export const schemaPreset: GraphileConfig.Preset = {
  extends: [
    PostGraphileAmberPreset,
    PgSimplifyInflectionPreset, // offices, not allOffices
    PostGraphileConnectionFilterPreset, // filter: { name: { startsWith: "B" } }
  ],
  plugins: [
    NamingPlugin, // after the presets, whose names it improves
    DistinctNamesPlugin, // after all that gives names
    WholeDatabasePlugin, // after the presets, which know most types
    BulkMutationsPlugin, // createDoors beside createDoor
    UpsertPlugin, // create, or update what is there
    PasswordPlugin, // replaces the plan of tagged mutations
  ],
  disablePlugins: [
    'NodePlugin', // rows have one id: their own
    'PgConditionArgumentPlugin', // one way to say which rows: filter
    'PgConditionCustomFieldsPlugin',
    'SwallowErrorsPlugin', // what cannot be built must be heard of
  ],
  gather: { muteWarnings: true }, // of two constraints that say the same, which are one relation
  schema: {
    connectionFilterAllowNullInput: true,
    connectionFilterAllowEmptyObjectInput: true,
    sortExport: true,
  },
}
