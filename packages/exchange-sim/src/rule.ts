import type { Ban } from './ban-book.ts'
import type { Instant } from './clock.ts'
import type { IdentifiedCall } from './dialect.ts'
import type { AppliedLimit } from './limit-book.ts'

/** What an exchange does to callers because of what they did. Each rule says only what it has an eye on. */
export interface Rule {
  /** The limits as they now stand for this call, when the rule has lowered them. */
  lowered?(call: IdentifiedCall, at: Instant): readonly AppliedLimit[] | undefined
  /** A call came although banned. */
  calledInto?(call: IdentifiedCall, ban: Ban, at: Instant): void
  /** A limit refused this call; returns the ban that this has earned. */
  refused?(call: IdentifiedCall, at: Instant): Ban | undefined
  /** This call got an error as its answer; a ban that this earns begins with the next call. */
  failed?(call: IdentifiedCall, code: string, at: Instant): void
  /** This call was answered with this HTTP status; a ban that this earns begins with the next call. */
  answered?(call: IdentifiedCall, status: number, at: Instant): void
}
