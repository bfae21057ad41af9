-- Write the next change here: `npx plinth db watch` runs it on each save.

-- Sessions tell when they were last used.
alter table app_private.sessions add column if not exists last_used_at timestamptz;
comment on column app_private.sessions.last_used_at is
  'When its token was last used, to the minute; null when it never was.';

--!include functions/app_private/note_uses.sql
