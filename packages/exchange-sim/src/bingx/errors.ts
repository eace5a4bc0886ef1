/**
 * The errors of the fact sheet (2026), to be provoked: `exchange.fault({ reply: bingxErrors.systemBusy })`. Words marked
 * (seed) stand on the pages of 2024-09-24, (facts) in the fact sheet; the others are ours, where only the code is known.
 */
export const bingxErrors = {
  /** (seed) */
  rateLimited: { code: 100410, msg: 'rate limited' },
  /** (facts) */
  requestRateLimitExceeded: { code: 100410, msg: 'Request rate limit exceeded' },
  /** (facts) The server's own overload under the code of a refusal. */
  systemBusy: { code: 100410, msg: 'The current system is busy, please try again later' },
  /** Older futures code, renamed 109429. */
  rateLimitedOld: { code: 100409, msg: 'rate limited' },
  /** Since 2025-10-16. */
  rateLimitedNew: { code: 109429, msg: 'rate limited' },
  /** (facts) */
  restrictedByRiskControl: { code: 109429, msg: 'Request is temporarily restricted due to risk control' },
  /** (seed) */
  timestampMismatch: {
    code: 100421,
    msg:
      'Null timestamp or timestamp mismatch, try to run our sample code from the link ' +
      'https://bingx-api.github.io/docs/#/en-us/spot/account-api.html#Query%20Assets',
  },
  /** The same code; no clock is wrong. */
  pairRestricted: { code: 100421, msg: 'this trading pair is restricted' },
  /** (seed) */
  timestampInvalid: { code: 80014, msg: 'timestamp is invalid' },
  timestampInvalidNew: { code: 109400, msg: 'timestamp is invalid' },
  parameterInvalid: { code: 80014, msg: 'Invalid parameters, err:limit is invalid' },
  /** (seed) */
  symbolNotExist: {
    code: 109400,
    msg: 'CATI-USDT,symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts',
  },
  /** (seed) */
  incorrectApiKey: { code: 100413, msg: 'Incorrect apiKey' },
  /** (seed) */
  ipNotWhitelisted: {
    code: 100419,
    msg: 'IP does not match IP whitelist , please go to https://bingx.com/en/account/api/ to verify the ip you have set',
  },
  /** Seen live, here without its link to the manual. */
  signatureWrong: { code: 100001, msg: 'Signature verification failed due to signature mismatch' },
  signatureMissing: { code: 100412, msg: 'Null signature' },
  permissionMissing: { code: 100004, msg: 'Permission denied as the API key was created without the permission' },
  /** (seed) */
  riskForbidden: { code: 80020, msg: 'risk forbidden' },
  riskForbiddenNew: { code: 109403, msg: 'risk forbidden' },
  insufficientBalance: { code: 100202, msg: 'insufficient balance' },
  internalError: { code: 100500, msg: 'Internal system error' },
  serverBusy: { code: 100503, msg: 'Server busy' },
  serviceUnavailable: { code: 80012, msg: 'service unavailable' },
  serviceUnavailableNew: { code: 109500, msg: 'service unavailable' },
  badParameter: { code: 100400, msg: 'the query string is malformed' },
  /** Seen live with exactly these words by several public clients (2025, 2026). */
  noSuchApi: { code: 100400, msg: 'this api is not exist' },
  noSuchPath: { code: 100404, msg: 'not found' },
} as const satisfies Record<string, { code: number; msg: string }>
