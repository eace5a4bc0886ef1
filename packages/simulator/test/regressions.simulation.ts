import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runScenario } from '../src/run-seed.ts'
import type { Scenario } from '../src/scenario/scenario.ts'

/** Scenarios that once broke a promise, shrunk, each with what was wrong. `planted`: broken by hand, to see that it is found. */
const STORIES: readonly (readonly [file: string, story: string])[] = [
  [
    'lost-when-the-light-went-out',
    'a call sent just before all went dark was taken for lost in a live network, and arrived when the light came back',
  ],
  [
    'two-clocks-drift',
    'a clock 200 ppm fast brought the tokens of a 60 s window back before the server had let them go: a guard of 1 ms is less than two good clocks drift apart in a minute',
  ],
  [
    'quick-there-quick-back',
    'an answer came quickly over one address, a request went quickly over another: together less than a round trip on either, so the smaller floor of the two was too long',
  ],
  [
    'a-new-silence',
    'a probe had taken the place of all lost calls, and the next silence was counted from the one before it: a token stayed away for minutes',
  ],
  [
    'only-cold-answers-were-quick',
    'the shortest round trips went over cold connections and taught nothing, until a warm one was as quick and the floor was wrong by 40 ms',
  ],
  [
    'dark-twice',
    'the world itself was wrong: a late call that one blackout had only grazed was taken for held by it, and came with the next one, long after any network lets go of what was given up',
  ],
  [
    'refused-for-being-slow',
    'a call that a blackout had held up was refused for its timestamp, the question for the time was lost, and the answer of the slow call moved a good clock by seconds',
  ],
  [
    'clock-set-behind-a-slow-answer',
    'the checker asked too much: the server set its clock back by two seconds while calls were stuck for four, so that their answers told of a counting that was too early, and nothing contradicted them',
  ],
  [
    'drifted-in-silence',
    'after a minute and a half of silence the clocks lay further apart than the guard, and the first answer made all that was known of them look new',
  ],
  [
    'news-of-long-ago',
    'an answer slept through for six seconds told of calls that were forgotten since, and they were taken for somebody else’s',
  ],
  [
    'first-over-new-connections',
    'the way there was learned from handshakes, the server told when it had counted, and the next calls, over open connections, came a handshake too early',
  ],
  [
    'faster-and-refused',
    'a route became faster while its connections were cold, all that could tell were refusals, which taught nothing, and the next flight was refused too',
  ],
  [
    'lost-and-answered-at-once',
    'the checker asked too much: at the end of a sleep an answer came at the instant at which a call was given up, and was taken for one that came after it',
  ],
  [
    'passed-by-at-every-tick',
    'a host woke its timers every 15.6 ms: a fast poller was due at the tick at which a place was free, took it before those who waited, and they never read again',
  ],
  [
    'told-of-another-way',
    'a token came back by what the server told over a slow way, and a request over a quick one took it: too early by as much as the two ways differ',
  ],
  [
    'pollers-asleep-for-good',
    'a one-off call that ended with nothing else under way took the timer of the pollers with it, which slept until somebody called again',
  ],
  [
    'believed-once-proved',
    'what the server told over one way was not believed of another, but an anchored window was proved to have begun by it: a request by the quicker way came before its end',
  ],
  [
    'turn-not-kept',
    'a poller whose turn had come at its limit waited at another gate and lost the turn: with unequal weights some got a sixth less than their share',
  ],
  [
    'left-together-at-a-cap',
    'a cap was taken for another limit, and two turns were kept for those who waited at it: when it came free, four calls left where one goes in 1.3 seconds',
  ],
  ['floor-of-cold-connections', 'planted: handshakes taken for the way to the server'],
  [
    'hold-that-shrank',
    'planted: of two answers that named different ends of one ban, the later and shorter one was believed',
  ],
  ['lost-its-turn', 'planted: a lane that moved to another room began at the end of the line'],
  ['gave-back-at-once', 'planted: the token of a lost call came back before the call had arrived'],
]

for (const [file, story] of STORIES) {
  test(`${file}: ${story}`, async () => {
    const text = readFileSync(new URL(`regressions/${file}.json`, import.meta.url), 'utf8')
    const { result } = await runScenario(JSON.parse(text) as Scenario)
    expect(result.violations).toEqual([])
    expect(result.arrivals).toBeGreaterThan(0)
  })
}
