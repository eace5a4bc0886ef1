/**
 * The longest hold that a server's words can set: 15 minutes. Disabled periods last about 5 minutes (documented
 * by BingX and measured, 2024-09 to 2026-09), so a later time is a mistake or a change of format, and must not silence
 * a client for days.
 */
export const MAX_HOLD_MS = 15 * 60_000
