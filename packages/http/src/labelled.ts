import type { Labels } from '@headgate/core'

/** Whose account, at which exchange, from which address: the labels of what is said of an account, not of a call. */
export function labelled(labels: Labels): Labels {
  const { endpoint: _, group: __, ...account } = labels
  return account
}
