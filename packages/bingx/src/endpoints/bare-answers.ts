import { type Answer, parseJson, type Verdict } from '@headgate/http'
import type { Endpoint } from './endpoint.ts'

/** "http status 200 success, 204 not content" (coincise, 2025-11): nothing but the status. */
const STATUS_ALONE: readonly string[] = [
  'PUT /openApi/user/auth/userDataStream',
  'DELETE /openApi/user/auth/userDataStream',
]

/**
 * Some endpoints answer with the data alone, without `code` around it: deposits and withdrawals, transfer records,
 * listen keys (examples on their pages, coincise, 2025-11; `JKorf/BingX.Net` and other clients read them so). Errors
 * have a code everywhere.
 */
export function readBare({ status, text }: Answer, { name }: Endpoint): Verdict<unknown> | undefined {
  if (STATUS_ALONE.includes(name) && (status === 200 || status === 204) && text.trim() === '')
    return { value: undefined }
  const body = status === 200 ? parseJson(text) : undefined
  return typeof body === 'object' && body !== null && !Object.hasOwn(body, 'code') ? { value: body } : undefined
}
