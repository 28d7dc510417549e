import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { testClock } from '../support/clock.ts';
import { testService } from '../support/service.ts';
import { play, type Stage } from './run.ts';
import { scenarios } from './scenario.ts';

const T0 = Date.UTC(2026, 0, 1);
const database = await testDatabase();
const time = testClock(T0);
const one = await testService(database.url, { clock: time.clock });
const other = await testService(database.url, { clock: time.clock });
afterAll(() => Promise.all([one.stop(), other.stop()]));

const alone = { urls: [one.url] } as const;
const ways: readonly (readonly [string, Pick<Stage, 'urls' | 'askLater' | 'writeLater'>])[] = [
  ['as they stand', alone],
  ['asked later: instants ahead have come before they are asked about', { ...alone, askLater: true }],
  ['written later: what fell due was booked before it is asked about', { ...alone, writeLater: true }],
  [
    'by turns: two instances share the database, and each knows what the other did',
    { urls: [one.url, other.url] },
  ],
];

describe.each(ways)(
  `conformance, ${scenarios.length} scenarios with an injected clock, %s`,
  (way, options) => {
    it.each(scenarios.map((scenario) => [scenario.id, scenario.title, scenario] as const))(
      '%s %s',
      async (_id, _title, scenario) => {
        time.now = T0;
        const wrong = await play(scenario, {
          t0: T0,
          run: `.${way.replaceAll(/\W.*/g, '')}`,
          ...options,
          moveTo: (instant) => (time.now = Math.max(time.now + 1, instant ?? 0)),
        });
        expect(wrong).toEqual([]);
      },
    );
  },
);
