import { loadConfig } from '../../src/config.ts'
import { startApi } from '../../src/http/api.ts'
import { listen } from '../../src/http/listen.ts'
import { makeLog } from '../../src/log.ts'
import { announce, childSetting, poolSize } from './child.ts'

// Plinth as it runs in production, on a project or, with SCHEMAS, on a database as it is.
const schemas = childSetting('SCHEMAS')
const config = loadConfig({
  env: {
    MODE: 'production',
    LOG_LEVEL: 'silent',
    DATABASE_URL: childSetting('OWNER_URL'),
    AUTHENTICATOR_DATABASE_URL: childSetting('AUTHENTICATOR_URL'),
    POOL_SIZE: String(poolSize),
    ...(schemas && { SCHEMAS: schemas }),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('LIMIT_'))),
  },
})
const listener = await listen('127.0.0.1', 0)
await startApi(config, childSetting('AUTHENTICATOR_URL'), listener, makeLog(config, false), null)
announce(listener.port)
