/** Error codes of hosts and of undici (`UND_ERR_*`) that mean: sent or about to be, and no answer came. */
const NETWORK_CODE =
  /^(?:ECONN|UND_ERR_|ETIMEDOUT|EPIPE|ENETDOWN|ENETUNREACH|EHOSTUNREACH|EHOSTDOWN|EAI_AGAIN|ENOTFOUND)/

/**
 * Whether a task's rejection means that no answer came: an abort, a time-out or a network error, without a `response`.
 * The server may still count such a call. Any other rejection was answered.
 */
export function isLostCall(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { response, name, message, code, cause } = error as Record<string, unknown>
  if (response !== undefined && response !== null) return false
  if (name === 'AbortError' || name === 'TimeoutError') return true
  if (typeof code === 'string' && NETWORK_CODE.test(code)) return true
  if (error instanceof TypeError && message === 'fetch failed') return true
  // Wrapped once: HTTP clients put the host's error into `cause`.
  const inner = typeof cause === 'object' && cause !== null ? (cause as Record<string, unknown>)['code'] : undefined
  return typeof inner === 'string' && NETWORK_CODE.test(inner)
}
