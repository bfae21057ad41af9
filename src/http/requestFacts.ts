import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyAddr from 'proxy-addr'

declare module 'http' {
  interface IncomingMessage {
    /** Where it comes from, '' where that is not known; set when it arrives, for a socket forgets it. */
    clientAddress?: string
    /** What `requestFacts` has answered. */
    facts?: string
  }
}

/** The IP address that a request comes from, '' where that is not known. */
export type AddressOf = (request: IncomingMessage) => string

/**
 * Looks behind the proxies that are trusted, and no further: what anybody else says in X-Forwarded-For
 * is not believed. Where a proxy names no address, the one next to it counts.
 */
export function makeAddressOf(trustedProxies: readonly string[]): AddressOf {
  if (trustedProxies.length === 0) return ({ socket }) => plainAddress(socket.remoteAddress)
  const isTrusted = proxyAddr.compile([...trustedProxies])
  return (request) =>
    proxyAddr
      .all(request, isTrusted)
      .map(plainAddress)
      .findLast((address) => address !== '') ?? ''
}

/** One spelling for each address: without a zone, and as IPv4 where it is one in the guise of IPv6. */
function plainAddress(written = ''): string {
  const address = written.replace(/%.*$/, '')
  const version = isIP(address)
  if (version !== 6) return version === 4 ? address : ''
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(plain) ?? []
  if (high === undefined || low === undefined) return plain
  const words = [parseInt(high, 16), parseInt(low, 16)]
  return words.flatMap((word) => [word >> 8, word & 255]).join('.')
}

/** The most characters of a User-Agent that are passed on. */
const longest = 300

/**
 * What SQL learns of a request, as JSON in the setting `plinth.request`: `id`, `address` and `userAgent`,
 * each left out where it is not known.
 */
export function requestFacts(request: IncomingMessage): string {
  return (request.facts ??= JSON.stringify({
    id: request.requestId,
    address: request.clientAddress || undefined,
    userAgent: request.headers['user-agent']?.replace(/\p{Cc}/gu, '').slice(0, longest),
  }))
}
