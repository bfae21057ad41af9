import { Ended, exitCodes, messageOf } from './ended.ts'
import type { DeviceState } from './stateFile.ts'

const enrolDevice = `mutation Enrol($code: String!) {
  enrolDevice(input: { code: $code }) { result { token deviceId } }
}`
type Answer = {
  data?: { enrolDevice: { result: { token: string; deviceId: string } | null } | null } | null
  errors?: { message: string }[]
}

/** Gives the code to the API and gets a key for it. Ends the program when it is not taken. */
export async function enrol(url: string, code: string): Promise<DeviceState> {
  const { data, errors } = await post(url, { query: enrolDevice, variables: { code } })
  if (errors?.[0]) throw new Ended(exitCodes.failed, `Not enrolled: ${errors[0].message}`)
  const key = data?.enrolDevice?.result
  if (!key)
    throw new Ended(
      exitCodes.failed,
      'Not enrolled: the code is wrong, was used or has expired. A manager makes another.',
    )
  return { url, deviceId: key.deviceId, token: key.token, keyFrom: new Date().toISOString() }
}

async function post(url: string, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    })
    return (await response.json()) as Answer
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new Ended(exitCodes.failed, `Not enrolled: ${url} does not answer (${messageOf(cause)}).`, {
      cause: error,
    })
  }
}
