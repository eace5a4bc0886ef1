/**
 * The errors of the fact sheet (2026), to be provoked: `exchange.fault({ reply: coinwErrors.accessFrequently })`. The
 * codes and the words of 29001 are CoinW's; the other words are ours.
 */
export const coinwErrors = {
  accessFrequently: { code: 29001, msg: 'API access frequently' },
  invalidParameter: { code: -3, msg: 'invalid parameter' },
  userApiError: { code: -103, msg: 'user API error' },
  systemError: { code: -200, msg: 'system error' },
  insufficientBalance: { code: 200005, msg: 'insufficient balance' },
  keyMissing: { code: 1003, msg: 'api_key missing' },
  keyInvalid: { code: 6000, msg: 'api_key invalid' },
  keyError: { code: 10006, msg: 'api_key error' },
  signError: { code: 10007, msg: 'sign error' },
  noSuchApi: { code: 10002, msg: 'no such API' },
  parameterMissing: { code: 10003, msg: 'symbol is required' },
  noPermission: { code: 10004, msg: 'no permission' },
  permissionDenied: { code: 10005, msg: 'permission denied' },
  networkError: { code: 10001, msg: 'network error' },
  internalError: { code: 500, msg: 'system error' },
} as const satisfies Record<string, { code: number; msg: string }>
