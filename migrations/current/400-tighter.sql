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

-- Whose an organization is changes by nothing less than what handing it over asks for, or an old session, and
-- an API key, could make somebody an owner and remove the others. After the policies, whose refusal comes first.
-- Without a person it is a job; deeper than zero is the end of the organization or of the person.
--!include functions/app_private/tg__recent_sign_in.sql
create or replace trigger _202_recent_sign_in_changed after update on app_public.memberships
  for each row when (
    pg_trigger_depth() = 0 and app_public.current_person_id() is not null
    and (old.role = 'owner') <> (new.role = 'owner')
  )
  execute function app_private.tg__recent_sign_in();
create or replace trigger _203_recent_sign_in_ended after delete on app_public.memberships
  for each row when (
    pg_trigger_depth() = 0 and old.role = 'owner' and old.person_id <> app_public.current_person_id()
  )
  execute function app_private.tg__recent_sign_in();
create or replace trigger _200_recent_sign_in after insert on app_public.invitations
  for each row when (
    pg_trigger_depth() = 0 and new.role = 'owner' and app_public.current_person_id() is not null
  )
  execute function app_private.tg__recent_sign_in();
comment on table app_public.memberships is 'Who belongs to an organization, and in which role. Managers change and remove managers and members, owners everybody; deleting your own is leaving. There is always an owner. To make somebody an owner, or an owner something else, or to remove one, needs a sign-in of the last ten minutes.';
comment on table app_public.invitations is 'Who is asked by mail to become a member. Managers invite, owners also to become an owner, which needs a sign-in of the last ten minutes; deleting an invitation revokes it. It holds only as long as whoever sent it last may invite.';
