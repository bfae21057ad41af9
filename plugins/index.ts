import { PgAggregatesPreset } from '@graphile/pg-aggregates'
import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection'
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter'
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber'
import { AttemptsPlugin } from './AttemptsPlugin.ts'
import { ConstraintsPlugin } from './ConstraintsPlugin.ts'
import { BulkMutationsPlugin } from './BulkMutationsPlugin.ts'
import { DistinctNamesPlugin } from './DistinctNamesPlugin.ts'
import { ExactScalarsPlugin } from './ExactScalarsPlugin.ts'
import { NamingPlugin } from './NamingPlugin.ts'
import { OneTransactionPlugin } from './OneTransactionPlugin.ts'
import { OrderByRelatedPlugin } from './OrderByRelatedPlugin.ts'
import { PageSizePlugin } from './PageSizePlugin.ts'
import { NotFoundPlugin } from './NotFoundPlugin.ts'
import { PasswordPlugin } from './PasswordPlugin.ts'
import { RealtimePlugin } from './RealtimePlugin.ts'
import { StandsAlonePlugin } from './StandsAlonePlugin.ts'
import { UpsertPlugin } from './UpsertPlugin.ts'
import { WholeDatabasePlugin } from './WholeDatabasePlugin.ts'

/** How a schema becomes an API, in the order in which it happens. Knows neither settings nor HTTP. */
export const schemaPreset: GraphileConfig.Preset = {
  extends: [
    PostGraphileAmberPreset,
    PgSimplifyInflectionPreset, // offices, not allOffices
    PostGraphileConnectionFilterPreset, // filter: { name: { startsWith: "B" } }
    PgAggregatesPreset, // aggregates { sum { price } }, of tables tagged behavior: "+aggregates"
  ],
  plugins: [
    NamingPlugin, // after the presets, whose names it improves
    DistinctNamesPlugin, // after all that gives names
    WholeDatabasePlugin, // after the presets, which know most types
    PageSizePlugin, // after the presets, whose lists it gives a size
    ExactScalarsPlugin, // after the presets, whose scalars it makes exact
    ConstraintsPlugin, // so that errors name arguments
    NotFoundPlugin, // an update that finds nothing is an error
    RealtimePlugin, // after all types there are
    BulkMutationsPlugin, // createDoors beside createDoor
    UpsertPlugin, // create, or update what is there
    PasswordPlugin, // replaces the plan of tagged mutations
    OrderByRelatedPlugin,
    StandsAlonePlugin, // before what begins with a field that stands alone
    AttemptsPlugin, // before the transaction of the request, which what it counts must outlive
    OneTransactionPlugin,
  ],
  disablePlugins: [
    'NodePlugin', // rows have one id: their own
    'PgConditionArgumentPlugin', // one way to say which rows: filter
    'PgConditionCustomFieldsPlugin',
    'PgIndexBehaviorsPlugin', // which columns have an index cannot be guessed
    'QueryQueryPlugin', // for Relay 1, like the next
    'PgMutationPayloadEdgePlugin',
    'PgAggregatesFilterRelationalAggregatesPlugin', // of aggregates, what a function says more clearly
    'PgAggregatesOrderByAggregatesPlugin',
    'SwallowErrorsPlugin', // what cannot be built must be heard of
  ],
  gather: { muteWarnings: true }, // of two constraints that say the same, which are one relation
  schema: {
    connectionFilterAllowNullInput: true,
    connectionFilterAllowEmptyObjectInput: true,
    sortExport: true,
    defaultBehavior: '-aggregates -groupedAggregates -resource:groupedAggregates:having',
    pgForbidSetofFunctionsToReturnNull: true, // so that no list has nulls in it
  },
}
