-- Write the next change here: `npx plinth db watch` runs it on each save.

-- What strangers can have written into the log of others has an end.
insert into app_private.attempt_limits (action, per, most, span) values
  ('door_of_others', 'account', 20, '1 hour'),
  ('door_of_others', 'organization', 200, '1 hour')
on conflict (action, per) do update set most = excluded.most, span = excluded.span;

--!include functions/app_private/open_door.sql
--!include functions/app_private/find_guest_pass.sql
--!include functions/app_hidden/page_pass__submit.sql
--!include functions/app_private/log_export_rows.sql
--!include functions/app_public/request_log_export.sql
