/** All that an error shows of itself. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = JSON.stringify(error, Object.getOwnPropertyNames(error))
  return error.cause === undefined ? own : `${own} ${textOf(error.cause)}`
}
