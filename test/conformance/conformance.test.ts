import { afterAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../support/postgres.ts';
import { testClock, testService } from '../support/service.ts';
import { play } from './run.ts';
import { scenarios } from './scenario.ts';

/** What the scenarios may ask of so far; those that ask for more wait for it. */
const DELIVERED = new Set([
  ...['CreateGrant', 'GetGrant', 'ListGrants', 'VoidGrant', 'ConsumeCredits', 'GetBalance', 'CreateCurrency'],
]);
const runnable = scenarios.filter(({ steps, checks }) =>
  [...steps, ...checks].every(({ rpc, figure }) => figure !== undefined || DELIVERED.has(rpc!)),
);

const T0 = Date.UTC(2026, 0, 1);
const database = await testDatabase();
const time = testClock(T0);
const service = await testService(database.url, { clock: time.clock });
afterAll(() => service.stop());

describe(`conformance: ${runnable.length} of ${scenarios.length} scenarios, with an injected clock`, () => {
  it.each(runnable.map((scenario) => [scenario.id, scenario.title, scenario] as const))(
    '%s %s',
    async (_, __, scenario) => {
      time.now = T0;
      const wrong = await play(scenario, {
        url: service.url,
        t0: T0,
        moveTo: (instant) => (time.now = Math.max(time.now + 1, instant ?? 0)),
      });
      expect(wrong).toEqual([]);
    },
  );
});
