export { logNormal, normal, seededRandom } from './seeded-random.ts'
export { type VirtualClock, type VirtualClockOptions, virtualClock } from './virtual-clock.ts'
export {
  type CountedCall,
  checkWindow,
  checkWindows,
  type KeyedWindowRule,
  type LabelledCall,
  type WindowReport,
  type WindowRule,
  type WindowViolation,
} from './window-checker.ts'
