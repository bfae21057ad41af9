import { runMigrations } from 'graphile-worker'

// A program of its own: graphile-migrate runs it between making a database and migrating it, and
// names the database in GM_DBURL.
await runMigrations({ connectionString: process.env.GM_DBURL })
