import type { Labels } from '@headgate/core'
import type { Contender, Gate, Rule, Task } from './peer.ts'

/**
 * A limiter that knows no keys, as its users keep it: one for each rule and key, a call under several rules passing through
 * one inside the other.
 */
export function perKey(rules: readonly Rule[], open: (rule: Rule) => Gate): Contender {
  const gates = new Map<string, Gate>()
  const gateOf = (rule: Rule, labels: Labels) => {
    const key = rule.by.reduce((text, name) => `${text}/${labels[name]}`, rule.name)
    let gate = gates.get(key)
    if (gate === undefined) {
      gate = open(rule)
      gates.set(key, gate)
    }
    return gate
  }
  return {
    gate(labels) {
      const chain = rules
        .filter(rule => rule.by.every(name => labels[name] !== undefined))
        .map(rule => gateOf(rule, labels))
      return chain.reduceRight(
        (inner, outer) =>
          <T>(task: Task<T>, priority?: number) =>
            outer<T>(() => inner<T>(task, priority), priority),
      )
    },
    keys: () => gates.size,
  }
}
