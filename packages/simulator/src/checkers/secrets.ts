import { type Checker, fresh } from './violation.ts'

/** HMAC-SHA256 in lower case, or MD5 in upper case. */
const SIGNATURE = /[0-9a-f]{64}|[0-9A-F]{32}/

/** No key, secret or signature in anything that is given out. */
export const secrets: Checker = (_scenario, log) => {
  const judgement = fresh()
  if (log.secrets.length === 0) return judgement
  for (const text of log.texts) {
    if (!SIGNATURE.test(text) && !log.secrets.some(secret => text.includes(secret))) continue
    // The finding must not be a leak itself.
    const clean = log.secrets.reduce((left, secret) => left.replaceAll(secret, '…'), text).replace(SIGNATURE, '…')
    const what = `a secret in: ${clean.slice(0, 200)}`
    judgement.violations.push({ checker: 'secrets', what, atMs: 0 })
  }
  return judgement
}
