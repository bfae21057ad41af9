import type { Run } from './database.ts'

/** Starts a session of a person and returns its token. */
export async function signInWith(owner: Run, personId: string): Promise<string> {
  const [session] = await owner('select token from app_private.start_session($1)', [personId])
  return session!.token as string
}

/** Starts a session of a person and returns its id; `age` is how long ago they signed in. */
export async function startSession(owner: Run, personId: string, age = '0'): Promise<string> {
  return ageSession(owner, await signInWith(owner, personId), age)
}

/** Has the session of a token have begun some time earlier, and returns its id. */
export async function ageSession(owner: Run, token: string, age = '11 minutes'): Promise<string> {
  const [session] = await owner(
    `update app_public.sessions set created_at = created_at - $2::interval
     from app_private.tokens
     where tokens.session_id = sessions.id and tokens.hash = sha256(convert_to($1, 'UTF8'))
     returning sessions.id`,
    [token, age],
  )
  return session!.id as string
}

/** Has a mailed code be a given one, as the task would when it mails it. */
export async function setCode(owner: Run, id: string, code = 'K7QF-2MXD'): Promise<string> {
  await owner('update app_private.mail_codes set code_hash = app_private.code_hash(id, $2) where id = $1', [
    id,
    code,
  ])
  return code
}
