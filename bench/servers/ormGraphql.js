import SchemaBuilder from '@pothos/core'
import { and, asc, desc, eq, gt, inArray, sql } from 'drizzle-orm'
import DataLoader from 'dataloader'
import { albums, artists, documents, reviews, tracks } from './ormSchema.js'

// The shop's API by Pothos, as far as the workloads ask for it. A resolver asks for what it answers,
// and what hangs on many rows is loaded for all of them at once.

/** What the resolvers of one request share. */
export function makeLoaders(tx) {
  const grouped = (rows, keys, keyOf) => {
    const groups = new Map(keys.map((key) => [key, []]))
    for (const row of rows) groups.get(keyOf(row))?.push(row)
    return keys.map((key) => groups.get(key))
  }
  return {
    artists: new DataLoader(async (ids) => {
      const rows = await tx.select().from(artists).where(inArray(artists.id, ids))
      return grouped(rows, ids, (row) => row.id).map(([artist]) => artist)
    }),
    tracksOfAlbum: new DataLoader(async (ids) => {
      const rows = await tx
        .select()
        .from(tracks)
        .where(inArray(tracks.albumId, ids))
        .orderBy(asc(tracks.position))
      return grouped(rows, ids, (row) => row.albumId)
    }),
  }
}

const builder = new SchemaBuilder({})

builder.scalarType('Date', { serialize: String, parseValue: String })
builder.scalarType('UUID', { serialize: String, parseValue: String })
const IntFilter = builder.inputType('IntFilter', {
  fields: (t) => ({ equalTo: t.int(), greaterThan: t.int() }),
})
const AlbumFilter = builder.inputType('AlbumFilter', {
  fields: (t) => ({ id: t.field({ type: IntFilter }) }),
})
const TrackFilter = builder.inputType('TrackFilter', {
  fields: (t) => ({ genreId: t.field({ type: IntFilter }) }),
})
const ReviewInput = builder.inputType('ReviewInput', {
  fields: (t) => ({
    albumId: t.int({ required: true }),
    stars: t.int({ required: true }),
    body: t.string({ required: true }),
  }),
})
const CreateReviewInput = builder.inputType('CreateReviewInput', {
  fields: (t) => ({ review: t.field({ type: ReviewInput, required: true }) }),
})
const RateAlbumInput = builder.inputType('RateAlbumInput', {
  fields: (t) => ({ albumId: t.int({ required: true }), stars: t.int({ required: true }) }),
})

const orders = {
  ID_ASC: [asc(albums.id)],
  TITLE_ASC: [asc(tracks.title), asc(tracks.id)],
  POSITION_ASC: [asc(tracks.position)],
  UPDATED_ON_DESC: [desc(documents.updatedOn), asc(documents.organizationId), asc(documents.id)],
}
const orderBy = (name, values) => builder.enumType(name, { values })
const AlbumOrderBy = orderBy('AlbumOrderBy', ['ID_ASC'])
const TrackOrderBy = orderBy('TrackOrderBy', ['TITLE_ASC', 'POSITION_ASC'])
const DocumentOrderBy = orderBy('DocumentOrderBy', ['UPDATED_ON_DESC'])
const orderOf = (args) => args.orderBy.flatMap((order) => orders[order])

const row = (name, fields) => builder.objectRef(name).implement({ fields })
const connection = (type) =>
  row(`${type.name}Connection`, (t) => ({ nodes: t.expose('nodes', { type: [type] }) }))
const pageArgs = (t, orderType, filterType) => ({
  first: t.arg.int(),
  offset: t.arg.int(),
  orderBy: t.arg({ type: [orderType], required: true }),
  ...(filterType && { filter: t.arg({ type: filterType }) }),
})
const page = (query, args) => {
  if (args.first != null) query.limit(args.first)
  if (args.offset != null) query.offset(args.offset)
  return query.then((nodes) => ({ nodes }))
}
const matches = (column, filter) =>
  filter &&
  and(
    filter.equalTo == null ? undefined : eq(column, filter.equalTo),
    filter.greaterThan == null ? undefined : gt(column, filter.greaterThan),
  )

const Artist = row('Artist', (t) => ({ id: t.exposeInt('id'), name: t.exposeString('name') }))
const Track = row('Track', (t) => ({
  id: t.exposeInt('id'),
  title: t.exposeString('title'),
  durationSeconds: t.exposeInt('durationSeconds'),
}))
const TrackConnection = connection(Track)
const Album = row('Album', (t) => ({
  id: t.exposeInt('id'),
  title: t.exposeString('title'),
  releasedOn: t.expose('releasedOn', { type: 'Date' }),
  artistId: t.exposeInt('artistId'),
  artist: t.field({
    type: Artist,
    resolve: (album, _args, { loaders }) => loaders.artists.load(album.artistId),
  }),
  tracks: t.field({
    type: TrackConnection,
    args: { orderBy: t.arg({ type: [TrackOrderBy] }) },
    resolve: async (album, _args, { loaders }) => ({ nodes: await loaders.tracksOfAlbum.load(album.id) }),
  }),
}))
const Document = row('Document', (t) => ({
  id: t.expose('id', { type: 'UUID' }),
  title: t.exposeString('title'),
  updatedOn: t.expose('updatedOn', { type: 'Date' }),
  organizationId: t.expose('organizationId', { type: 'UUID' }),
}))
const GenreSale = row('GenreSale', (t) => ({
  genre: t.exposeString('genre'),
  tracksSold: t.exposeInt('tracksSold'),
  totalCents: t.exposeInt('totalCents'),
}))
const Review = row('Review', (t) => ({
  albumId: t.exposeInt('albumId'),
  stars: t.exposeInt('stars'),
  body: t.exposeString('body'),
}))
const Rating = row('Rating', (t) => ({ albumId: t.exposeInt('albumId'), stars: t.exposeInt('stars') }))
const CreateReviewPayload = row('CreateReviewPayload', (t) => ({
  review: t.expose('review', { type: Review }),
}))
const RateAlbumPayload = row('RateAlbumPayload', (t) => ({ result: t.expose('result', { type: Rating }) }))

builder.queryType({
  fields: (t) => ({
    album: t.field({
      type: Album,
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: async (_root, { id }, { tx }) => (await tx.select().from(albums).where(eq(albums.id, id)))[0],
    }),
    albums: t.field({
      type: connection(Album),
      args: pageArgs(t, AlbumOrderBy, AlbumFilter),
      resolve: (_root, args, { tx }) =>
        page(
          tx
            .select()
            .from(albums)
            .where(matches(albums.id, args.filter?.id))
            .orderBy(...orderOf(args)),
          args,
        ),
    }),
    tracks: t.field({
      type: TrackConnection,
      args: pageArgs(t, TrackOrderBy, TrackFilter),
      resolve: (_root, args, { tx }) =>
        page(
          tx
            .select()
            .from(tracks)
            .where(matches(tracks.genreId, args.filter?.genreId))
            .orderBy(...orderOf(args)),
          args,
        ),
    }),
    documents: t.field({
      type: connection(Document),
      args: pageArgs(t, DocumentOrderBy),
      resolve: (_root, args, { tx }) =>
        page(
          tx
            .select()
            .from(documents)
            .orderBy(...orderOf(args)),
          args,
        ),
    }),
    salesByGenre: t.field({
      type: connection(GenreSale),
      args: { since: t.arg({ type: 'Date', required: true }) },
      resolve: async (_root, { since }, { tx }) => {
        const { rows } = await tx.execute(sql`
          select genre, tracks_sold as "tracksSold", total_cents as "totalCents"
          from app_public.sales_by_genre(${since})`)
        return { nodes: rows }
      },
    }),
  }),
})

builder.mutationType({
  fields: (t) => ({
    createReview: t.field({
      type: CreateReviewPayload,
      args: { input: t.arg({ type: CreateReviewInput, required: true }) },
      resolve: async (_root, { input }, { tx }) => {
        const [review] = await tx.insert(reviews).values(input.review).returning()
        return { review }
      },
    }),
    rateAlbum: t.field({
      type: RateAlbumPayload,
      args: { input: t.arg({ type: RateAlbumInput, required: true }) },
      resolve: async (_root, { input }, { tx }) => {
        const { rows } = await tx.execute(sql`
          select album_id as "albumId", stars from app_public.rate_album(${input.albumId}, ${input.stars})`)
        return { result: rows[0] }
      },
    }),
  }),
})

export const schema = builder.toSchema()
