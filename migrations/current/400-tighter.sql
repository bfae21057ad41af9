/*
 * What trying to break in has shown.
 */

-- Passwords are judged and hashed for everybody in turn, so nobody has as many turns as they like.
insert into app_private.attempt_limits (action, per, most, span) values
  ('password', 'account', 10, '1 hour'),
  ('password', 'network', 50, '1 hour')
on conflict (action, per) do nothing;
--!include functions/app_hidden/count_password_change.sql

-- Neither a code that was mailed before, nor a sign-in under way, is a way around a new password.
--!include functions/app_private/forget_codes.sql
--!include functions/app_private/set_password.sql
--!include functions/app_public/change_password.sql
--!include functions/app_public/reset_password.sql
--!include functions/app_public/delete_account.sql
--!include functions/app_public/sign_in.sql
