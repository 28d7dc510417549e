import { readFileSync } from 'node:fs';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { followTransactions, ledgerAt } from '../../docs/examples/watch.ts';
import { callerOf } from '../support/caller.ts';
import { testDatabase } from '../support/postgres.ts';
import { startRelay } from '../support/relay.ts';
import { CREDIT_ONLY, spendRequest } from '../support/requests.ts';
import { testService } from '../support/service.ts';
import { blocksOf, sectionOf } from '../support/shown.ts';

/** The loop that the README shows misses nothing, whatever breaks. */

const database = await testDatabase();
const feeds = { pollMs: 50 };
const [one, two] = [await testService(database.url, { feeds }), await testService(database.url, { feeds })];
// The other one stops in the middle of a test.
afterAll(() => two.stop());

test('the README shows it as it is', () => {
  const example = readFileSync('docs/examples/watch.ts', 'utf8');
  const [shown] = blocksOf(sectionOf(readFileSync('README.md', 'utf8'), '### Watching'));
  expect(shown!.language).toBe('ts');
  expect(example).toContain(shown!.text);
});

test('a follower that loses its connections, its instance and itself is told each transaction once', async () => {
  const relay = await startRelay(one);
  onTestFinished(() => relay.close());
  const dealt: { place: string; cursor: string }[] = [];
  let expected = Promise.withResolvers<void>();
  let goal = 0;
  const reach = (count: number) => {
    goal = count;
    expected = Promise.withResolvers<void>();
    if (dealt.length >= goal) expected.resolve();
    return expected.promise;
  };
  const follow = (saved: string) => {
    const over = new AbortController();
    const deal = async ({ customerId, version }: { customerId: string; version: bigint }, cursor: string) => {
      dealt.push({ place: `${customerId} ${version}`, cursor });
      if (dealt.length >= goal) expected.resolve();
    };
    const done = followTransactions(ledgerAt(relay.url), 'example', saved, deal, over.signal);
    return async () => {
      over.abort();
      await done;
    };
  };
  const spend = (instance: { url: string }, customerId: string) =>
    callerOf(instance).answer(
      'ConsumeCredits',
      spendRequest({ namespace: 'example', customerId, amount: '1', ...CREDIT_ONLY }),
    );

  const stop = follow('');
  await spend(one, 'ada');
  await reach(1);

  relay.cut();
  await spend(two, 'bob');
  await spend(one, 'ada');
  await reach(3);

  // The instance stops; another takes over.
  relay.turnTo(two);
  await one.stop();
  await spend(two, 'ada');
  await reach(4);

  // The follower itself ends, and starts again with what it has kept.
  await stop();
  await spend(two, 'bob');
  const again = follow(dealt.at(-1)!.cursor);
  await reach(5);
  await again();

  expect(dealt.map(({ place }) => place).toSorted()).toEqual(['ada 1', 'ada 2', 'ada 3', 'bob 1', 'bob 2']);
});

test('a follower gives up what trying again does not mend', async () => {
  const { signal } = new AbortController();
  const following = followTransactions(ledgerAt(two.url), 'not a namespace!', '', async () => {}, signal);
  await expect(following).rejects.toThrow('namespace');
});
