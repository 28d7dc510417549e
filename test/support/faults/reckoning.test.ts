import { expect, test } from 'vitest';
import { CREDIT_ONLY, spendRequest } from '../requests.ts';
import { testWorld } from '../world.ts';
import type { Followers } from './followers.ts';
import { reckon } from './reckoning.ts';
import type { Asked } from './writers.ts';

/** What the reckoning of a run would find: one that finds nothing makes every run look sound. */

const { url, caller, sql } = await testWorld();

const followersThat = (told: readonly string[], wentBack = 0): Followers => ({
  finish: () => Promise.resolve({ told, wentBack }),
});

const acknowledged: Asked[] = [];
for (const idempotencyKey of ['one', 'two', 'three']) {
  const request = spendRequest({ idempotencyKey, amount: '1', ...CREDIT_ONLY }) as Asked['request'];
  acknowledged.push({
    rpc: 'ConsumeCredits',
    request,
    answer: await caller.answer('ConsumeCredits', request),
  });
}
const [one, two, three] = acknowledged as [Asked, Asked, Asked];
const under = (asked: Asked, idempotencyKey: string): Asked => ({
  ...asked,
  request: { ...asked.request, idempotencyKey },
});

const sound = { lost: 0, doubled: 0, wrong: 0, audit: [], verify: [] };

const CASES: readonly [what: string, acknowledged: readonly Asked[], followers: Followers, found: object][] =
  [
    ['nothing in what is sound', [one, two, three], followersThat(['a', 'b']), sound],
    ['what nobody was told of, and its balance', [one, two], followersThat([]), { wrong: 2 }],
    ['what was told twice', [one, two, three], followersThat(['a', 'b', 'a']), { doubled: 1 }],
    ['a watch that went back', [one, two, three], followersThat([], 2), { wrong: 2 }],
    [
      'an answer that is another, of another version',
      [one, two, { ...three, answer: { ...three.answer, version: '7' } }],
      followersThat([]),
      { wrong: 2 },
    ],
    // The last: repeating what is not there does it.
    ['what is not there', [one, two, under(three, 'lost')], followersThat([]), { lost: 1, wrong: 1 }],
  ];

test.each(CASES)('finds %s', async (_, asked, followers, found) => {
  expect(await reckon(url, sql, asked, followers)).toMatchObject(found);
});
