import { relations } from 'drizzle-orm'
import { date, integer, pgSchema, text, uuid } from 'drizzle-orm/pg-core'

// The shop as Drizzle is told of it. Of reviews only what a client may write: Drizzle names every
// column it knows in an insert, and for the others there is no right.
const shop = pgSchema('app_public')

export const artists = shop.table('artists', {
  id: integer('id').primaryKey(),
  name: text('name').notNull(),
})

export const albums = shop.table('albums', {
  id: integer('id').primaryKey(),
  artistId: integer('artist_id').notNull(),
  title: text('title').notNull(),
  releasedOn: date('released_on').notNull(),
})

export const tracks = shop.table('tracks', {
  id: integer('id').primaryKey(),
  albumId: integer('album_id').notNull(),
  genreId: integer('genre_id').notNull(),
  position: integer('position').notNull(),
  title: text('title').notNull(),
  durationSeconds: integer('duration_seconds').notNull(),
  priceCents: integer('price_cents').notNull(),
})

export const reviews = shop.table('reviews', {
  albumId: integer('album_id').notNull(),
  stars: integer('stars').notNull(),
  body: text('body').notNull(),
})

export const documents = shop.table('documents', {
  organizationId: uuid('organization_id').notNull(),
  id: uuid('id').notNull(),
  title: text('title').notNull(),
  updatedOn: date('updated_on').notNull(),
})

export const albumRelations = relations(albums, ({ one, many }) => ({
  artist: one(artists, { fields: [albums.artistId], references: [artists.id] }),
  tracks: many(tracks),
}))

export const trackRelations = relations(tracks, ({ one }) => ({
  album: one(albums, { fields: [tracks.albumId], references: [albums.id] }),
}))
