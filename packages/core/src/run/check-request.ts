import { checkKeys, checkNumber, checkWhole, wrongOption } from '../options.ts'
import type { ScheduleRequest } from '../request.ts'

const WHERE = 'schedule'
const KNOWN = ['labels', 'alternatives', 'cost', 'priority', 'maxWaitMs', 'signal', 'coalesce', 'retries', 'unlimited']

/** @throws {TypeError} names the option, what was expected and what came */
export function checkRequest(request: ScheduleRequest, limitNames: ReadonlySet<string>): void {
  checkKeys(WHERE, request, KNOWN)
  const { alternatives, cost, priority, maxWaitMs, signal, coalesce, retries, unlimited } = request
  if (alternatives !== undefined && !Array.isArray(alternatives))
    throw wrongOption(WHERE, 'alternatives', 'an array of labels', alternatives)
  if (typeof cost === 'number') checkWhole(WHERE, 'cost', cost, 0)
  else if (typeof cost === 'object' && cost !== null) {
    checkKeys(`${WHERE}: cost`, cost, [...limitNames])
    for (const [name, tokens] of Object.entries(cost)) checkWhole(WHERE, `cost.${name}`, tokens, 0)
  } else if (cost !== undefined)
    throw wrongOption(WHERE, 'cost', 'a whole number, or whole numbers by limit name', cost)
  if (priority !== undefined && !Number.isFinite(priority))
    throw wrongOption(WHERE, 'priority', 'a finite number', priority)
  if (maxWaitMs !== undefined) checkNumber(WHERE, 'maxWaitMs', maxWaitMs, 0)
  if (coalesce !== undefined && typeof coalesce !== 'string') throw wrongOption(WHERE, 'coalesce', 'a text', coalesce)
  if (retries !== undefined) checkWhole(WHERE, 'retries', retries, 0)
  if (unlimited !== undefined && typeof unlimited !== 'boolean')
    throw wrongOption(WHERE, 'unlimited', 'true or false', unlimited)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw wrongOption(WHERE, 'signal', 'an AbortSignal', signal)
}

export function checkTask(where: string, task: unknown): void {
  if (typeof task !== 'function') throw new TypeError(`${where}: expected a task to run, got ${typeof task}`)
}

/** Once per labels object. */
export function checkLabels(where: string, labels: unknown): void {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels))
    throw wrongOption(where, 'labels', 'an object of texts', labels)
  for (const name in labels) {
    const value = (labels as Record<string, unknown>)[name]
    if (typeof value !== 'string' && Object.hasOwn(labels, name))
      throw wrongOption(where, `labels.${name}`, 'a text', value)
  }
}

/** What is done to labels: for how long, and why. */
export function checkReasoned<T extends { forMs: number; reason: string }>(where: string, labels: unknown, how: T): T {
  checkLabels(where, labels)
  checkKeys(where, how, ['forMs', 'reason'])
  checkNumber(where, 'forMs', how.forMs, 0)
  if (typeof how.reason !== 'string') throw wrongOption(where, 'reason', 'a text', how.reason)
  return how
}

export function checkNewLimit(name: string, limit: number, limitNames: ReadonlySet<string>): void {
  checkWhole('setLimit', 'limit', limit, 1)
  if (!limitNames.has(name))
    throw wrongOption('setLimit', 'name', `the name of a limit (${[...limitNames].join(', ')})`, name)
}

/** The name of a history. */
export function checkHistory(where: string, name: unknown): void {
  if (typeof name !== 'string' || name === '') throw wrongOption(where, 'name', 'a text that is not empty', name)
}

/** What is noted in a history, and how long it is kept. */
export function checkNote(name: string, forMs: number): void {
  checkHistory('remember', name)
  checkNumber('remember', 'forMs', forMs, 1)
}
