--! Previous: sha1:74504382ed2e1c99eb63dd3ef9fe8ec88dbcbc91
--! Hash: sha1:9b864e3556761cdbaf0f6592f28b8511f6e049ef
--! Message: say what is expected

--! split: 1-current.sql
-- Write the next change here: `npx plinth db watch` runs it on each save.

-- Whoever leaves something out of a rule gets one that opens nothing, and not everything.
alter table app_public.access_rules alter column is_whole_office set default false;
comment on column app_public.access_rules.is_whole_office is 'Whether it is about every door of the office, also those to come; if not, about those of its `accessRuleDoors`, and without any it opens nothing.';

-- What clients are told who break a rule: without words, only that a value is not acceptable.
comment on constraint access_rules_name_check on app_public.access_rules is 'A name has 1 to 100 characters.';
comment on constraint access_rules_weekdays_check on app_public.access_rules is
  'Weekdays are numbers from 1, Monday, to 7, Sunday, and one to seven of them.';
comment on constraint access_rules_starts_at_check on app_public.access_rules is
  'A window begins before 24:00. Midnight, as a beginning, is 00:00.';
comment on constraint access_rules_window_not_empty_check on app_public.access_rules is
  'A window does not end at the time at which it begins. The whole day is from 00:00 to 24:00.';
comment on constraint access_rules_validity_ordered_check on app_public.access_rules is
  'The last day of a rule is not before its first.';
comment on constraint closures_name_check on app_public.closures is 'A name has 1 to 100 characters.';
comment on constraint closures_days_ordered_check on app_public.closures is
  'The last day of a closure is not before its first.';
comment on constraint devices_name_check on app_public.devices is 'A name has 1 to 100 characters.';
comment on constraint doors_unlock_seconds_check on app_public.doors is 'A door is unlocked for 1 to 30 seconds.';
comment on constraint lockdowns_reason_check on app_public.lockdowns is 'A reason has 1 to 200 characters.';
comment on constraint offices_quiet_from_check on app_public.offices is
  'Quiet hours begin before 24:00. Midnight, as a beginning, is 00:00.';
comment on constraint offices_quiet_hours_check on app_public.offices is
  'Quiet hours have a beginning and an end, which are not the same time, or neither.';
comment on constraint invitations_address_check on app_public.invitations is 'An address has at most 254 characters.';
comment on constraint slack_installations_channel_id_check on app_public.slack_installations is
  'A channel goes by its id in Slack, such as C0123456789.';
