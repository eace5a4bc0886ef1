import { decimalString } from '@headgate/http'
import * as z from 'zod'

/** Amounts by asset, in decimal strings, every digit as sent. */
export type Balances = Record<string, string>

const money = z.unknown().transform(decimalString).pipe(z.string('expected a decimal number'))

/** No assets: `data` is missing, null, `{}` or, as some PHP servers write an empty map, `[]`. */
export const balances: z.ZodType<Balances> = z.preprocess(
  data => (Array.isArray(data) && data.length === 0 ? {} : (data ?? {})),
  z.record(z.string(), money),
)

/** Whatever it is: numbers that a double can't keep are strings. */
export const anything: z.ZodType<unknown> = z.unknown()
