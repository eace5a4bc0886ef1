import { tokenBucket } from '@headgate/core'
import { Bucket, type BucketTerms } from '../../src/limits/bucket.ts'

const TERMS: BucketTerms = {
  limit: tokenBucket({ name: 'b', limit: 3, windowMs: 1_000, by: ['uid'] }),
  id: '0',
  tokens: 3,
  windowMs: 1_000,
  isBurst: false,
  coldStart: 'full',
  bornAtMs: 0,
  lostCallMs: 5_000,
  useFloor: true,
}

/** A bucket by itself: three tokens a second, unless told otherwise. */
export function bucketOf(terms: Partial<BucketTerms> = {}): Bucket {
  return new Bucket({ ...TERMS, ...terms }, 'u')
}

/** As when a limit is changed at run time. */
export function setTokens(bucket: Bucket, tokens: number, nowMs: number): void {
  bucket.renew({ ...bucket.terms, tokens }, nowMs)
}
