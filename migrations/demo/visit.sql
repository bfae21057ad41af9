/*
 * Runs at each start in development: signs the demo person in and returns one row with what to show
 * to a newcomer, or none when the demo is not there.
 */
select
  'ada@example.com / open sesame' as sign_in,
  session.token
from app_public.email_addresses
cross join lateral app_private.start_session(email_addresses.person_id) as session
where email_addresses.address = 'ada@example.com';
