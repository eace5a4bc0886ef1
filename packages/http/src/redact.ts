const MAX_MESSAGE = 300
const MAX_LOOKED_AT = 2400
const LONGEST_SECRET = 600

/** Shorter than any key or signature in use, and longer than words that a message may hold by chance. */
const MIN_SECRET = 8

/**
 * A text of the server's, fit for errors, events and logs: without the secrets in `hide`, without query strings (they
 * carry signatures), without control characters, and at most 300 characters long. A server may echo what it was sent.
 */
export function redact(text: string, hide: readonly string[]): string {
  // Cut first, so that a huge text costs nothing.
  let clean = text.slice(0, MAX_LOOKED_AT)
  for (const secret of hide) {
    if (secret.length < MIN_SECRET) continue
    clean = clean.replaceAll(secret, '[redacted]').replaceAll(encodeURIComponent(secret), '[redacted]')
  }
  // What a cut left of a secret is one no more, and would pass.
  if (text.length > MAX_LOOKED_AT) clean = clean.slice(0, -LONGEST_SECRET)
  clean = clean
    .replaceAll(/(https?:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, '$1?[redacted]')
    .replaceAll(/\b(signature|sign|api_?key|secret_?key)(["']?\s*[=:]\s*["']?)[^\s&"'<>,;]+/gi, '$1$2[redacted]')
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean
}
