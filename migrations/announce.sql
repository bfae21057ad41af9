-- Tells a running API in development that the schema has changed, so that it looks again.
notify postgraphile_watch, '{"type":"manual"}';
