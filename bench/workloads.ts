import type { ShopSize } from './shopDatabase.ts'

/** Something to ask, of a GraphQL server and of a handler written by hand. */
export type Workload = {
  name: string
  about: string
  /** For every GraphQL server the same text. */
  query: string
  /** Path of the handler. */
  path: string
  /** The variables of the n-th request; the handler takes them flat. */
  variables(n: number, size: ShopSize): Record<string, unknown>
}

/** A number from 1 to `most` that jumps about as n grows. */
const scattered = (n: number, most: number): number => ((n * 7919) % most) + 1

export const workloads: Workload[] = [
  {
    name: 'row',
    about: 'one row by key',
    query: `query Row($id: Int!) { album(id: $id) { id title releasedOn artistId } }`,
    path: '/album',
    variables: (n, { albums }) => ({ id: scattered(n, albums) }),
  },
  {
    name: 'page',
    about: 'page of 20',
    query: `query Page($after: Int!) {
      albums(filter: { id: { greaterThan: $after } }, orderBy: [ID_ASC], first: 20) {
        nodes { id title releasedOn artistId }
      }
    }`,
    path: '/albums',
    variables: (n, { albums }) => ({ after: scattered(n, albums - 20) }),
  },
  {
    name: 'nest',
    about: '10 albums with artist and tracks',
    query: `query Nest($after: Int!) {
      albums(filter: { id: { greaterThan: $after } }, orderBy: [ID_ASC], first: 10) {
        nodes {
          id
          title
          artist { id name }
          tracks(orderBy: [POSITION_ASC]) { nodes { id title durationSeconds } }
        }
      }
    }`,
    path: '/nest',
    variables: (n, { albums }) => ({ after: scattered(n, albums - 20) }),
  },
  {
    name: 'deep',
    about: 'filter, order, page deep in',
    query: `query Deep($genre: Int!, $offset: Int!) {
      tracks(filter: { genreId: { equalTo: $genre } }, orderBy: [TITLE_ASC], first: 20, offset: $offset) {
        nodes { id title durationSeconds }
      }
    }`,
    path: '/deep',
    // Every genre has a 25th of the tracks; around the middle of them.
    variables: (n, { tracks }) => ({
      genre: (n % 25) + 1,
      offset: Math.floor(tracks / 50) - scattered(n, 20),
    }),
  },
  {
    name: 'aggregate',
    about: 'counts and sums over 500 rows',
    query: `query Sales($since: Date!) {
      salesByGenre(since: $since) { nodes { genre tracksSold totalCents } }
    }`,
    path: '/sales',
    variables: (n) => ({ since: `2020-0${(n % 9) + 1}-${10 + (n % 19)}` }),
  },
  {
    name: 'insert',
    about: 'one insert',
    query: `mutation Review($albumId: Int!, $stars: Int!, $body: String!) {
      createReview(input: { review: { albumId: $albumId, stars: $stars, body: $body } }) {
        review { albumId stars body }
      }
    }`,
    path: '/review',
    variables: (n, { albums }) => ({
      albumId: scattered(n, albums),
      stars: (n % 5) + 1,
      body: `Heard ${n} times.`,
    }),
  },
  {
    name: 'function',
    about: 'function that changes a row',
    query: `mutation Rate($albumId: Int!, $stars: Int!) {
      rateAlbum(input: { albumId: $albumId, stars: $stars }) { result { albumId stars } }
    }`,
    path: '/rate',
    variables: (n, { albums }) => ({ albumId: scattered(n, albums), stars: (n % 5) + 1 }),
  },
  {
    name: 'membership',
    about: 'page of 20 through a membership policy',
    query: `query Documents($offset: Int!) {
      documents(orderBy: [UPDATED_ON_DESC], first: 20, offset: $offset) {
        nodes { id title updatedOn organizationId }
      }
    }`,
    path: '/documents',
    variables: (n) => ({ offset: n % 100 }),
  },
]
