/*
 * Runs at each start in development: signs the demo person in and returns one row with what to show
 * to a newcomer, or none when the demo is not there.
 */
select
  'ada@example.com / open sesame' as sign_in,
  session.token,
  'mutation { unlockDoor(input: { doorId: "01900000-0000-7000-8000-00000000d001" }) { result { isAllowed reason } } }'
    as example
from app_public.email_addresses
cross join lateral app_private.start_session(email_addresses.person_id) as session
where email_addresses.address = 'ada@example.com';
