/** What a JSON text means, as the text that Postgres would write it as. */
export const asText = (json: string): string | null => texts(`{"value":${json}}`).value ?? null

/** The values of a row's image in the log, as texts: numbers as they are written, since some are too long for a number here. */
export function texts(image: string): Record<string, string | null> {
  type Context = { source: string }
  const reviver = (_name: string, value: unknown, context?: Context) =>
    typeof value === 'number' ? context!.source : value
  const values = JSON.parse(image, reviver) as object
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === null || typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
