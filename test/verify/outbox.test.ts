import { expect, test } from 'vitest';
import type { Finding } from '../../src/verify/finding.ts';
import type { Summary } from '../../src/verify/verify.ts';
import { createOutbox } from '../../src/rpc/ledger/verify-outbox.ts';
import { collect } from '../rpc/clients.ts';

/** What stands between a verification and whoever reads it. */

const finding = (version: number): Finding => ({
  kind: 'VERSION_GAP',
  version,
  expected: '',
  actual: '',
  message: '',
});
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
  const { listener, messages } = createOutbox();
  for (const transactions of [1, 2, 3]) listener.progress(progress(transactions));

  expect(await collect(messages(Promise.resolve(summary)))).toEqual([progress(3), summary]);
});

test('every finding is told before the summary', async () => {
  const { listener, messages } = createOutbox();
  listener.progress(progress(0));
  for (const version of [1, 2, 3]) await listener.found('ada', finding(version));

  const told = await collect(messages(Promise.resolve(summary)));

  expect(told.slice(1, -1)).toEqual(
    [1, 2, 3].map((version) => ({ customerId: 'ada', finding: finding(version) })),
  );
  expect(told.at(-1)).toBe(summary);
});

test('a verification waits for a reader who is far behind, and goes on when he reads', async () => {
  const { listener, messages } = createOutbox({ unread: 2, forMs: 60_000 });
  const work = (async () => {
    for (const version of [1, 2, 3, 4, 5]) await listener.found('ada', finding(version));
    return summary;
  })();

  expect(await collect(messages(work))).toHaveLength(6);
});

test('a reader who does not read is given up', async () => {
  const { listener } = createOutbox({ unread: 2, forMs: 1 });
  await listener.found('ada', finding(1));

  await expect(listener.found('ada', finding(2))).rejects.toMatchObject({
    refusal: { reason: 'LIMIT_REACHED' },
  });
});

test('a verification that fails ends the stream with its error', async () => {
  const { messages } = createOutbox();

  await expect(collect(messages(Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
});
