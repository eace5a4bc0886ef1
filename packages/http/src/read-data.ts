import type { Verdict } from './call.ts'

/** The part of a zod schema that is needed here, so that this package depends on no validator. */
export interface Schema<T> {
  safeParse(
    data: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } }
}

/** Reads the data of a successful answer. What doesn't fit is told by its place, never by its value. */
export function readData<T>(schema: Schema<T>, data: unknown, code: string | number): Verdict<T> {
  const result = schema.safeParse(data)
  if (result.success) return { value: result.data }
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'invalid' }
  return {
    trouble: {
      code,
      msg: `unexpected data${path.map(each => `[${String(each)}]`).join('')}: ${message}`,
      kind: 'malformed',
    },
  }
}
