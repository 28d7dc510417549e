import { onTestFinished, test, expect } from 'vitest';
import { grantRequest, spendRequest } from '../support/requests.ts';
import { isBookmark, placeOf, watchTransactions } from '../support/watching.ts';
import { testWorld } from '../support/world.ts';

const { caller, url } = await testWorld();

const watch = (request: Parameters<typeof watchTransactions>[1]) => {
  const watching = watchTransactions(url, request);
  onTestFinished(() => watching.end());
  return watching;
};

test('tells a namespace', async () => {
  await caller.answer('CreateGrant', grantRequest());
  await caller.answer('ConsumeCredits', spendRequest());
  const watching = watch({});
  const read = await watching.until(isBookmark);
  expect(read.map(placeOf)).toEqual(['ada 1.1', 'ada 2.1', 'bookmark']);
  console.log(read.map((m) => m.cursor.length));
  const started = performance.now();
  await caller.answer('ConsumeCredits', spendRequest());
  expect(placeOf(await watching.next())).toEqual('ada 3.1');
  console.log(performance.now() - started);
});
