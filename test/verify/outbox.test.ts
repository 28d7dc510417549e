import { expect, test } from 'vitest';
import type { Finding } from '../../src/verify/finding.ts';
import type { Summary } from '../../src/verify/verify.ts';
import { createOutbox } from '../../src/rpc/ledger/verify-outbox.ts';
import { collect } from '../rpc/clients.ts';
import { testClock } from '../support/clock.ts';

/** What stands between a verification and whoever reads it. */

/** Nothing waits for time to pass, unless a test says so. */
const { clock } = testClock();

const finding = (version: number): Finding => ({
  kind: 'VERSION_GAP',
  version,
  expected: '',
  actual: '',
  message: '',
});
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const progress = (transactions: number) => ({ booksDone: 0, booksTotal: 1, transactions });
const summary: Summary = {
  verdict: 'SOUND',
  books: 1,
  transactions: 9,
  entries: 18,
  findings: 0,
  knownAt: 0,
};

test('of progress that nobody has read only the latest is told', async () => {
  const { listener, messages } = createOutbox(clock);
  for (const transactions of [1, 2, 3]) listener.progress(progress(transactions));

  expect(await collect(messages(Promise.resolve(summary)))).toEqual([progress(3), summary]);
});

test('progress is told four times a second at most, and every second also where nothing moves', async () => {
  const time = testClock(0);
  const { listener, messages } = createOutbox(time.clock);
  const told: string[] = [];
  const work = Promise.withResolvers<Summary>();
  const reading = (async () => {
    for await (const one of messages(work.promise)) {
      if ('booksTotal' in one) told.push(`${one.transactions} at ${time.now}`);
    }
  })();
  for (time.now = 0; time.now < 2_000; time.now += 50) {
    if (time.now <= 500) listener.progress(progress(time.now));
    await turn();
  }
  work.resolve(summary);
  await reading;

  expect(told).toEqual(['0 at 0', '250 at 250', '500 at 500', '500 at 1500']);
});

test('every finding is told before the summary', async () => {
  const { listener, messages } = createOutbox(clock);
  listener.progress(progress(0));
  for (const version of [1, 2, 3]) await listener.found('ada', finding(version));

  const told = await collect(messages(Promise.resolve(summary)));

  expect(told.slice(1, -1)).toEqual(
    [1, 2, 3].map((version) => ({ customerId: 'ada', finding: finding(version) })),
  );
  expect(told.at(-1)).toBe(summary);
});

test('a verification waits for a reader who is far behind, and goes on when he reads', async () => {
  const { listener, messages } = createOutbox(clock, { unread: 2, forMs: 60_000 });
  const work = (async () => {
    for (const version of [1, 2, 3, 4, 5]) await listener.found('ada', finding(version));
    return summary;
  })();

  expect(await collect(messages(work))).toHaveLength(6);
});

test('a reader who does not read is given up', async () => {
  const time = testClock();
  const { listener } = createOutbox(time.clock, { unread: 2, forMs: 30_000 });
  await listener.found('ada', finding(1));
  const waits = listener.found('ada', finding(2));
  time.pass(30_000);

  await expect(waits).rejects.toMatchObject({
    refusal: { reason: 'LIMIT_REACHED' },
  });
});

test('a verification that fails ends the stream with its error', async () => {
  const { messages } = createOutbox(clock);

  await expect(collect(messages(Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
});
