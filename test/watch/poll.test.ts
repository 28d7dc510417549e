import { expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { ALL } from '../../src/scope.ts';
import { createPoll } from '../../src/watch/poll.ts';
import { createSubscriptions } from '../../src/watch/subscriptions.ts';
import { createLog } from '../../src/log.ts';
import { testClock } from '../support/clock.ts';

/** Whom it concerns that the database does not say which books have changed. */

const WATCHED = { currencies: [], scope: ALL, parts: new Set(['settled'] as const), below: [] };
const silence = () => new Promise<never>(() => {});
const silent: Database = {
  run: silence,
  transaction: silence,
  snapshot: silence,
  until: () => silent,
  close: () => Promise.resolve(),
};
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Who has been ended, ten seconds after somebody began to watch, of a book that is shown and one that waits. */
async function endedWhere(loadsAnswered: boolean): Promise<readonly string[]> {
  const time = testClock();
  const subscriptions = createSubscriptions();
  const options = {
    database: silent,
    clock: time.clock,
    log: createLog('silent'),
    pollMs: 1_000,
    staleAfterMs: 5_000,
  };
  const poll = createPoll(
    options,
    subscriptions,
    () => undefined,
    () => loadsAnswered,
  );
  onTestFinished(() => void poll.stop());
  const ended: string[] = [];
  for (const customerId of ['shown', 'waiting']) {
    const { audience, buffer } = subscriptions.enter({ namespace: 'default', customerId }, WATCHED);
    audience.book.loaded = customerId === 'shown';
    void buffer.over.then(() => ended.push(customerId));
  }
  void poll.awake();
  for (let seconds = 0; seconds < 10; seconds += 1) {
    time.pass(1_000);
    await turn();
  }
  return ended;
}

test('while others are loaded, who waits for his turn waits on; what is shown may be old', async () => {
  expect(await endedWhere(true)).toEqual(['shown']);
});

test('while nobody is answered, nobody waits on', async () => {
  expect(await endedWhere(false)).toEqual(['shown', 'waiting']);
});
