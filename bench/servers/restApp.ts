import express, { type Express, type Request } from 'express'
import pg from 'pg'

/** Runs the one statement of a request and answers with its rows. */
export type RunStatement = (
  request: Request,
  statement: { name: string; text: string; values: unknown[] },
) => Promise<Record<string, unknown>[]>

/** Where the floor has to say itself what the policies say elsewhere. */
export type Conditions = { documents: string }

/**
 * The handlers that somebody who knows Postgres would write by hand, one for each workload: named
 * statements, columns called as the client calls them, a nest made into JSON where the data is.
 */
export function makeRestApp(run: RunStatement, conditions: Conditions): Express {
  pg.types.setTypeParser(pg.types.builtins.DATE, String) // as it stands, not a moment in some time zone
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag') // nobody asks again for what they have
  app.use(express.json())

  const post = (
    name: string,
    text: string,
    keys: string[],
    shape: (rows: Record<string, unknown>[]) => unknown,
  ) =>
    app.post(`/${name}`, async (request, response) => {
      const body = request.body as Record<string, unknown>
      const rows = await run(request, { name, text, values: keys.map((key) => body[key]) })
      const answer = shape(rows)
      if (typeof answer === 'string') response.type('json').send(answer)
      else response.json(answer)
    })
  const row = (rows: Record<string, unknown>[]) => rows[0]
  // Lists are sent as the text that Postgres makes of them: measured, less work than rows on both sides.
  const json = (rows: Record<string, unknown>[]) => rows[0]?.json
  const list = (select: string) =>
    `select coalesce(json_agg(rows), '[]')::text as json from (${select}) as rows`

  post(
    'album',
    `select id, title, released_on as "releasedOn", artist_id as "artistId"
     from app_public.albums
     where id = $1`,
    ['id'],
    row,
  )
  post(
    'albums',
    list(`select id, title, released_on as "releasedOn", artist_id as "artistId"
     from app_public.albums
     where id > $1
     order by id
     limit 20`),
    ['after'],
    json,
  )
  post(
    'nest',
    `select coalesce(json_agg(json_build_object(
       'id', albums.id, 'title', albums.title,
       'artist', json_build_object('id', artists.id, 'name', artists.name),
       'tracks', (
         select coalesce(json_agg(json_build_object(
           'id', tracks.id, 'title', tracks.title, 'durationSeconds', tracks.duration_seconds
         ) order by tracks.position), '[]')
         from app_public.tracks
         where tracks.album_id = albums.id
       )
     ) order by albums.id), '[]')::text as json
     from (select * from app_public.albums where id > $1 order by id limit 10) as albums
     join app_public.artists on artists.id = albums.artist_id`,
    ['after'],
    json,
  )
  post(
    'deep',
    list(`select id, title, duration_seconds as "durationSeconds"
     from app_public.tracks
     where genre_id = $1
     order by title, id
     limit 20 offset $2`),
    ['genre', 'offset'],
    json,
  )
  post(
    'sales',
    list(`select genre, tracks_sold as "tracksSold", total_cents as "totalCents"
     from app_public.sales_by_genre($1)`),
    ['since'],
    json,
  )
  post(
    'review',
    `insert into app_public.reviews (album_id, stars, body)
     values ($1, $2, $3)
     returning album_id as "albumId", stars, body`,
    ['albumId', 'stars', 'body'],
    row,
  )
  post(
    'rate',
    `select album_id as "albumId", stars from app_public.rate_album($1, $2)`,
    ['albumId', 'stars'],
    row,
  )
  post(
    'documents',
    list(`select id, title, updated_on as "updatedOn", organization_id as "organizationId"
     from app_public.documents
     where ${conditions.documents}
     order by updated_on desc, organization_id, id
     limit 20 offset $1`),
    ['offset'],
    json,
  )
  return app
}
