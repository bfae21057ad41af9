import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Fault, messageOf } from './fault.ts'

/** One operation that clients may ask for by its id. */
export type TrustedDocument = { id: string; name: string; type: string; body: string }

// The form in which Apollo's tools write and read such manifests.
const format = 'apollo-persisted-query-manifest'
const manifestSchema = z.object({
  format: z.literal(format),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), name: z.string(), type: z.string(), body: z.string() })),
})

/** The id of a document: the SHA-256 of its text. */
export const documentId = (text: string): string => hash('sha256', text)

/** A manifest as text; the same for the same documents, in whatever order. */
export function writeManifest(documents: readonly TrustedDocument[]): string {
  const operations = documents.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return `${JSON.stringify({ format, version: 1, operations }, null, 2)}\n`
}

/** The texts of a manifest's operations by their ids. Throws a Fault when it is not one. */
export function readManifest(file: string): ReadonlyMap<string, string> {
  let manifest
  try {
    manifest = manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new Fault(
      `TRUSTED_DOCUMENTS: ${file} is not a manifest of operations.`,
      [messageOf(cause).split('\n')[0]!, 'Make it with: npx plinth documents <folder> --out <file>'],
      { cause },
    )
  }
  const altered = manifest.operations.find(({ id, body }) => id !== documentId(body))
  if (altered) {
    throw new Fault(`TRUSTED_DOCUMENTS: the id of ${altered.name} in ${file} is not that of its text.`, [
      'Make the manifest anew: npx plinth documents <folder> --out <file>',
    ])
  }
  return new Map(manifest.operations.map(({ id, body }) => [id, body]))
}
