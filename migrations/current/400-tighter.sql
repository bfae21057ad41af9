/*
 * What trying to break in has shown.
 */

-- Passwords are judged and hashed for everybody in turn, so nobody has as many turns as they like.
insert into app_private.attempt_limits (action, per, most, span) values
  ('password', 'account', 10, '1 hour'),
  ('password', 'network', 50, '1 hour')
on conflict (action, per) do nothing;
--!include functions/app_hidden/count_password_change.sql
--!include functions/app_public/change_password.sql
